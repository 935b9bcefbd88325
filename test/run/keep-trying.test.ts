import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runExport } from '../../src/index.ts';
import { type ExitCode, ExportError, type ExportErrorOptions } from '../../src/platform/errors.ts';
import { keepTrying } from '../../src/run/keep-trying.ts';
import { temporaryFolder } from '../support/exports.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { serveHttp } from '../support/http-servers.ts';

const HOUR_MS = 3_600_000;

function failure(exitCode: ExitCode, more: Partial<ExportErrorOptions> = {}) {
  const retryable = exitCode === 75;
  return new ExportError(`ended in ${exitCode}`, {
    ...{ exitCode, stage: 'extract', retryable },
    ...more,
  });
}

/** Runs against a list of failures, one an attempt, and success after the last. */
async function tried(failures: readonly unknown[], forMs = 3 * HOUR_MS, random = () => 1) {
  const clock = fakeClock();
  const said: string[] = [];
  let attempts = 0;
  const attempt = async () => {
    const thrown = failures[attempts++];
    if (thrown !== undefined) throw thrown;
    return 'done';
  };
  const emit = (event: object) => void said.push(String(Object(event).message));
  const effects = { clock, random, emit };
  const { signal } = new AbortController();
  const end = await keepTrying(attempt, { forMs, effects, signal }).catch((thrown) => thrown);
  return { attempts, end, slept: clock.slept, said };
}

describe('keeping on trying', () => {
  const passing: readonly (readonly [why: string, failure: ExportError])[] = [
    ['an unknown host or a refused connection', failure(69, { retryable: true })],
    ['a full disk', failure(74)],
    ['a budget that is used up, or a lock', failure(75)],
    ['a list that was not proven', failure(65, { retryable: true })],
  ];
  for (const [why, error] of passing) {
    it(`goes on after ${why}`, async () => {
      const { attempts, end, said } = await tried([error]);
      assert.equal(end, 'done');
      assert.equal(attempts, 2);
      assert.deepEqual(said, [`${error.message}; trying again at 2026-01-01T00:00:30.000Z`]);
    });
  }

  const lasting: readonly (readonly [why: string, failure: unknown])[] = [
    ['a bad certificate', failure(69)],
    ['rejected rows', failure(65)],
    ['refused credentials', failure(77)],
    ['a broken contract', failure(76)],
    ['a configuration', failure(78)],
    ['an output that cannot be created', failure(73)],
    ['a bug', new TypeError('x')],
  ];
  for (const [why, error] of lasting) {
    it(`ends after ${why}`, async () => {
      const { attempts, end } = await tried([error]);
      assert.equal(end, error);
      assert.equal(attempts, 1);
    });
  }

  it('tries a list that was not proven once more, whatever comes between', async () => {
    const unproven = failure(65, { retryable: true });
    const { attempts, end } = await tried([unproven, failure(75), unproven, undefined]);
    assert.equal(end, unproven);
    assert.equal(attempts, 3);
  });

  it('pauses longer each time, up to 15 minutes, and ends when the time is up', async () => {
    const { attempts, end, slept } = await tried(Array(100).fill(failure(75)), HOUR_MS);
    assert.deepEqual(
      slept.map((ms) => ms / 60_000),
      [0.5, 1, 2, 4, 8, 15, 15, 14.5],
    );
    assert.equal(attempts, 9);
    assert.equal(Object(end).exitCode, 75);
  });

  it('pauses half as long at least, so that many programs do not come back at once', async () => {
    const { slept } = await tried([failure(75), failure(75)], HOUR_MS, () => 0);
    assert.deepEqual(slept, [15_000, 30_000]);
  });

  it('pauses as long as the server asked for, and ends where that is too long', async () => {
    const asked = failure(75, { retryAfterMs: 20 * 60_000 });
    assert.deepEqual((await tried([asked])).slept, [20 * 60_000]);
    assert.deepEqual((await tried([asked], 60_000)).slept, []);
  });

  it('does nothing of this unless told', async () => {
    assert.equal((await tried([failure(75)], 0)).attempts, 1);
  });

  it('rides out an outage of 40 minutes', async () => {
    const clock = fakeClock();
    const back = clock.monotonic() + 40 * 60_000;
    const attempt = async () => {
      if (clock.monotonic() < back) throw failure(69, { retryable: true });
      return clock.monotonic() - back;
    };
    const effects = { clock, random: () => 0.5, emit: () => {} };
    const { signal } = new AbortController();
    const late = await keepTrying(attempt, { forMs: 3 * HOUR_MS, effects, signal });
    assert.ok(late <= 15 * 60_000);
  });

  it('ends at once when interrupted, in a pause and in an attempt', async () => {
    for (const when of ['pause', 'attempt']) {
      const controller = new AbortController();
      const reason = failure(130);
      const clock = fakeClock({ mode: 'still' });
      const attempt = async () => {
        if (when === 'attempt') controller.abort(reason);
        else setImmediate(() => controller.abort(reason));
        throw failure(75);
      };
      const effects = { clock, random: Math.random, emit: () => {} };
      const { signal } = controller;
      await assert.rejects(keepTrying(attempt, { forMs: HOUR_MS, effects, signal }), reason);
      assert.equal(clock.sleeping, 0);
    }
  });

  it('is what an export does with a server that is down, until its deadline', async (t) => {
    const clock = fakeClock();
    const output = await temporaryFolder(t);
    const began = clock.monotonic();
    const options = {
      ...{ apiUrl: 'http://127.0.0.1:1', credentials: { kind: 'none' } as const, output },
      ...{ keepTryingMs: 3 * HOUR_MS, deadlineMs: HOUR_MS / 3 },
    };
    await assert.rejects(runExport(options, { clock, random: () => 1 }), { name: 'ExportError' });
    assert.equal(clock.monotonic() - began, HOUR_MS / 3);
    const pauses = clock.slept.filter((ms) => ms >= 30_000);
    assert.deepEqual(pauses.slice(0, 3), [30_000, 60_000, 120_000]);
    assert.deepEqual(clock.sleeping, 0);
  });

  it('comes back no sooner than a server that asks for more than unfinished work may wait', async (t) => {
    const clock = fakeClock();
    const arrivals: number[] = [];
    const server = await serveHttp((response) => {
      arrivals.push(clock.monotonic());
      const isFirst = arrivals.length === 1;
      response.writeHead(isFirst ? 429 : 403, isFirst ? { 'retry-after': '46800' } : {}).end();
    });
    t.after(() => server.close());
    const output = await temporaryFolder(t);
    const options = {
      ...{ apiUrl: server.url, credentials: { kind: 'none' } as const, output },
      ...{ keepTryingMs: 20 * HOUR_MS, resumeWithinMs: 12 * HOUR_MS, concurrency: 1 },
    };
    await assert.rejects(runExport(options, { clock, random: () => 0 }), { exitCode: 77 });
    const [first, next] = arrivals;
    assert.ok(next - first >= 13 * HOUR_MS, `${next - first} ms`);
  });
});
