import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ask, jobsUrl, type Seen, withSimulator } from './client.ts';
import { STATUS_FAULTS } from './faults.ts';
import { FAULT_KINDS, type FaultKind, type Simulator, startSimulator } from './index.ts';

const QUERY = 'offset=10&limit=20&order_by_direction=ASC';
const MEBIBYTE = 1024 * 1024;

let simulator: Simulator;
let good: Seen;

before(async () => {
  simulator = await startSimulator({
    jobs: 100,
    seed: 31,
    oversizeBytes: MEBIBYTE,
    retryAfterSeconds: 7,
    refusedMs: 3_600_000,
    now: () => Date.UTC(2026, 0, 1),
  });
  good = await ask(jobsUrl(simulator, QUERY));
});
after(() => simulator.close());

async function hit(kind: FaultKind): Promise<Seen> {
  const before = simulator.stats.faults[kind] ?? 0;
  simulator.faults.next(kind);
  const isHit = (): boolean => (simulator.stats.faults[kind] ?? 0) > before;
  const expected =
    kind === 'hang' ? 0 : kind === 'hang-mid-body' ? good.body.length >> 1 : Infinity;
  const giveUpWhen = (received: number): boolean => isHit() && received >= expected;
  const seen = await ask(jobsUrl(simulator, QUERY), { giveUpWhen });
  assert.equal(simulator.stats.faults[kind], before + 1);
  return seen;
}

function json(seen: Seen) {
  return JSON.parse(seen.body.toString());
}

const LENGTH_LIES = { complete: false, error: 'ECONNRESET' };

/** What a client sees of each fault that is not a status. */
const SIGNS: Readonly<
  Record<Exclude<FaultKind, (typeof STATUS_FAULTS)[number]>, (seen: Seen) => void>
> = {
  reset: (seen) => assert.deepEqual([seen.status, seen.error], [undefined, 'ECONNRESET']),
  hang: (seen) => assert.deepEqual([seen.status, seen.error], [undefined, 'HUNG']),
  refused: (seen) => assert.deepEqual([seen.status, seen.error], [undefined, 'ECONNRESET']),
  redirect: (seen) => assert.deepEqual([seen.status, seen.headers.location], [302, '/elsewhere']),
  'reset-mid-body': (seen) => {
    assert.equal(seen.status, 200);
    assert.deepEqual({ complete: seen.complete, error: seen.error }, LENGTH_LIES);
  },
  'hang-mid-body': (seen) => {
    assert.deepEqual([seen.status, seen.error], [200, 'HUNG']);
    assert.deepEqual(seen.body, good.body.subarray(0, good.body.length >> 1));
  },
  truncated: (seen) => {
    assert.equal(seen.headers['content-length'], String(good.body.length));
    assert.deepEqual({ complete: seen.complete, error: seen.error }, LENGTH_LIES);
    assert.deepEqual(seen.body, good.body.subarray(0, good.body.length >> 1));
  },
  'long-length': (seen) => {
    assert.ok(Number(seen.headers['content-length']) > good.body.length);
    assert.deepEqual({ complete: seen.complete, error: seen.error }, LENGTH_LIES);
    assert.deepEqual(seen.body, good.body);
  },
  'chunked-cut': (seen) => {
    assert.equal(seen.headers['transfer-encoding'], 'chunked');
    assert.deepEqual({ complete: seen.complete, error: seen.error }, LENGTH_LIES);
    assert.ok(seen.body.length > 0 && seen.body.length < good.body.length);
  },
  'unframed-cut': (seen) => {
    assert.equal(seen.headers['content-length'] ?? seen.headers['transfer-encoding'], undefined);
    assert.deepEqual([seen.complete, seen.error], [true, undefined]);
    assert.equal(seen.body.length, good.body.length >> 1);
  },
  'short-length': (seen) => {
    assert.equal(seen.headers['content-length'], String(good.body.length >> 1));
    assert.equal(seen.error, 'HPE_CLOSED_CONNECTION', 'more bytes come than were announced');
  },
  oversize: (seen) => {
    assert.ok(seen.complete && seen.body.length > MEBIBYTE);
    assert.ok(json(seen).data[0].sequence.length >= MEBIBYTE);
  },
  html: (seen) => {
    assert.deepEqual([seen.status, seen.headers['content-type']], [200, 'text/html']);
    assert.match(seen.body.toString(), /^<!doctype html>/);
  },
  'invalid-json': (seen) => {
    assert.ok(seen.complete);
    assert.throws(() => json(seen), SyntaxError);
  },
  'empty-json': (seen) => assert.deepEqual(json(seen), {}),
  'empty-body': (seen) => assert.deepEqual([seen.complete, seen.body.length], [true, 0]),
  'truncated-gzip': (seen) => {
    assert.deepEqual([seen.complete, seen.headers['content-encoding']], [true, 'gzip']);
    assert.throws(() => gunzipSync(seen.body), /unexpected end/);
  },
  'corrupt-gzip': (seen) => {
    assert.deepEqual([seen.complete, seen.headers['content-encoding']], [true, 'gzip']);
    assert.throws(() => gunzipSync(seen.body));
  },
  'invalid-utf8': (seen) => {
    assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(seen.body));
    assert.equal(json(seen).data.length, 20);
  },
  'short-page': (seen) =>
    assert.deepEqual([json(seen).data.length, json(seen).pagination.total], [10, 100]),
  'empty-page': (seen) =>
    assert.deepEqual([json(seen).data.length, json(seen).pagination.total], [0, 100]),
  'long-page': (seen) => assert.equal(json(seen).data.length, 21),
  'total-fraction': (seen) => assert.equal(json(seen).pagination.total, 8.5),
  'total-text': (seen) => assert.equal(json(seen).pagination.total, 'many'),
  'total-negative': (seen) => assert.equal(json(seen).pagination.total, -1),
  'no-pagination': (seen) => {
    assert.equal(json(seen).pagination, undefined);
    assert.equal(seen.headers['content-range'], '11-30/100');
  },
  'no-range': (seen) => {
    assert.equal(json(seen).pagination, undefined);
    assert.equal(seen.headers['content-range'], undefined);
  },
  'odd-pagination': (seen) =>
    assert.deepEqual(json(seen).pagination, { total: 100, start: 14, end: 16 }),
  'numeric-code': (seen) => assert.equal(json(seen).code, 200),
  'duplicate-job': (seen) => {
    const { data } = json(seen);
    const [first, copy] = [data[0], data.at(-2)];
    assert.equal(data.length, 20);
    assert.equal(copy.id, first.id);
    assert.ok(copy.updated_at > first.updated_at);
    assert.deepEqual(data.at(-1), json(good).data.at(-1));
  },
};

for (const [kind, sign] of Object.entries(SIGNS)) {
  const fault = FAULT_KINDS.find((one) => one === kind);
  assert.ok(fault);
  test(`${kind} is what a client sees, and the next answer is good again`, async () => {
    sign(await hit(fault));
    await simulator.reopen();
    assert.deepEqual((await ask(jobsUrl(simulator, QUERY))).body, good.body);
  });
}

const RETRY_AFTER: Readonly<Record<string, string>> = {
  '429-seconds': '7',
  '429-date': 'Thu, 01 Jan 2026 00:00:07 GMT',
  '429-garbage': 'soon, please',
  '503-seconds': '7',
};

for (const kind of STATUS_FAULTS) {
  test(`${kind} is answered as such`, async () => {
    const seen = await hit(kind);
    assert.equal(seen.status, Number.parseInt(kind, 10));
    assert.equal(seen.headers['retry-after'], RETRY_AFTER[kind]);
    assert.ok(seen.complete && seen.body.length > 0);
    if (kind === '422') assert.ok(json(seen).detail[0].msg);
  });
}

test('refused keeps the port closed for as long as told', async () => {
  await hit('refused');
  assert.equal((await ask(jobsUrl(simulator, QUERY))).error, 'ECONNREFUSED');
  await simulator.reopen();
  await withSimulator({ jobs: 1, refusedMs: 1 }, async (brief) => {
    brief.faults.next('refused');
    const errors = new Set<string | undefined>();
    while (!errors.has(undefined)) errors.add((await ask(jobsUrl(brief))).error);
    assert.ok(errors.has('ECONNRESET'));
  });
});

test('token requests know the faults that look into no page', async () => {
  for (const kind of ['503', 'reset', 'html', 'truncated'] as const)
    simulator.tokenFaults.next(kind);
  const post = () => ask(simulator.tokenUrl, { method: 'POST' });
  assert.equal((await post()).status, 503);
  assert.equal((await post()).error, 'ECONNRESET');
  assert.equal((await post()).headers['content-type'], 'text/html');
  assert.equal((await post()).complete, false);
  assert.equal((await post()).status, 400);
  assert.equal(simulator.stats.tokenRequests, 5);
});

test('rates given at the start hit page requests', async () => {
  const failing = await startSimulator({ jobs: 10, faults: [{ kind: '502', rate: 1 }] });
  try {
    assert.equal((await ask(jobsUrl(failing))).status, 502);
    failing.faults.set([]);
    assert.equal((await ask(jobsUrl(failing))).status, 200);
  } finally {
    await failing.close();
  }
});
