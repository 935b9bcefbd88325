import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ask, getPage, idsOf, jobsUrl, withSimulator } from './client.ts';
import { type Simulator, startSimulator } from './index.ts';

interface Job {
  readonly sequence: string;
}

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator({ jobs: 350, seed: 21 });
});
after(() => simulator.close());

test('a page is the envelope of the reference', async () => {
  const seen = await ask(jobsUrl(simulator, 'limit=10&offset=20'));
  const page = JSON.parse(seen.body.toString());
  assert.equal(seen.status, 200);
  assert.equal(seen.headers['content-type'], 'application/json');
  assert.deepEqual(
    { ...page, data: page.data.length },
    {
      status: 'success',
      message: 'OK.',
      code: '200',
      data: 10,
      pagination: { total: 350, start: 20, end: 30 },
    },
  );
  assert.equal(seen.headers['content-range'], '21-30/350');
  assert.equal(seen.headers['access-control-expose-headers'], 'Content-Range');
});

test('rows are those of the list, byte for byte', async () => {
  const { rows } = simulator.jobs.page({ offset: 5, limit: 100 });
  const seen = await ask(jobsUrl(simulator, 'offset=5'));
  assert.ok(seen.body.includes(`"data":[${rows.join(',')}],`));
});

test('the last page is short, one beyond the end empty', async () => {
  const last = await ask(jobsUrl(simulator, 'offset=340'));
  assert.equal(last.headers['content-range'], '341-350/350');
  assert.equal(JSON.parse(last.body.toString()).data.length, 10);
  const beyond = await ask(jobsUrl(simulator, 'offset=350'));
  assert.equal(beyond.headers['content-range'], '0-0/350');
  assert.deepEqual(JSON.parse(beyond.body.toString()).data, []);
});

test('order, direction and filters reach the list', async () => {
  const oldest = simulator.jobs.ids();
  assert.deepEqual(idsOf(await getPage(simulator, 'limit=3')), oldest.slice(-3).toReversed());
  assert.deepEqual(
    idsOf(await getPage(simulator, 'limit=3&order_by_direction=ASC')),
    oldest.slice(0, 3),
  );
  assert.deepEqual(
    idsOf(await getPage(simulator, 'limit=3&order_by=id&order_by_direction=ASC')),
    oldest.toSorted().slice(0, 3),
  );
  const two = await getPage(simulator, `id=${oldest[7]}&id=${oldest[2]}&order_by_direction=ASC`);
  assert.deepEqual(idsOf(two), [oldest[2], oldest[7]]);
  const statuses = await getPage(simulator, 'status=ERROR&status=CANCELED&errors=true');
  assert.ok(statuses.data.length > 0 && statuses.data.every((job) => job.status === 'ERROR'));
});

test('422 tells every problem in the shape of the reference', async () => {
  const seen = await ask(jobsUrl(simulator, 'limit=101&status=GONE'));
  assert.equal(seen.status, 422);
  const { detail } = JSON.parse(seen.body.toString());
  assert.deepEqual(
    detail.map(({ loc }: { loc: unknown }) => loc),
    [
      ['query', 'status', 0],
      ['query', 'limit'],
    ],
  );
  for (const one of detail) assert.deepEqual(Object.keys(one), ['loc', 'msg', 'type']);
});

test('other places are 404, other methods 405', async () => {
  for (const path of ['', '/api/v2/job', '/api/v2/jobs/', '/api/v1/jobs']) {
    assert.equal((await ask(`${simulator.url}${path}`)).status, 404);
  }
  for (const method of ['POST', 'DELETE', 'HEAD']) {
    const seen = await ask(jobsUrl(simulator), { method });
    assert.equal(seen.status, 405);
    assert.equal(seen.headers.allow, 'GET');
  }
  assert.equal((await ask(simulator.tokenUrl)).status, 405);
});

test('where pagination is left out, Content-Range stays or goes', async () => {
  for (const pagination of ['header', 'none'] as const) {
    await withSimulator({ jobs: 3, pagination }, async (bare) => {
      const seen = await ask(jobsUrl(bare));
      assert.equal('pagination' in JSON.parse(seen.body.toString()), false);
      assert.equal(seen.headers['content-range'], pagination === 'header' ? '1-3/3' : undefined);
    });
  }
});

test('a server may ignore id__starts_with', async () => {
  await withSimulator({ jobs: 40, ignoreIdStartsWith: true }, async (deaf) => {
    assert.equal((await getPage(deaf, 'id__starts_with=00000')).pagination?.total, 40);
  });
});

test('a request longer than 8 kB is 414, one of 8 kB is read', async () => {
  const padding = (length: number): string => {
    const { pathname } = new URL(jobsUrl(simulator));
    return `x=${'a'.repeat(length - pathname.length - '?x='.length)}`;
  };
  for (const [length, status] of [
    [8192, 200],
    [8193, 414],
    [100_000, 414],
  ] as const) {
    assert.equal((await ask(jobsUrl(simulator, padding(length)))).status, status, String(length));
  }
});

test('total and reach can be capped, and an order refused', async () => {
  await withSimulator({ jobs: 350, totalCap: 200, reachCap: 150 }, async (capped) => {
    const page = await getPage(capped, 'offset=120');
    assert.equal(page.pagination?.total, 200);
    assert.equal(page.data.length, 30);
    assert.deepEqual(idsOf(page), idsOf(await getPage(capped, 'offset=120&limit=30')));
    assert.equal((await getPage(capped, 'offset=150')).data.length, 0);
  });
  await withSimulator({ jobs: 1, refuseOrders: ['id'] }, async (refusing) => {
    assert.equal((await ask(jobsUrl(refusing, 'order_by=id'))).status, 422);
    assert.equal((await ask(jobsUrl(refusing, 'order_by=creation_order'))).status, 200);
  });
});

test('pages are compressed for those who ask, when told to', async () => {
  await withSimulator({ jobs: 50, gzip: true }, async (zipping) => {
    const plain = await ask(jobsUrl(zipping));
    const zipped = await ask(jobsUrl(zipping), { headers: { 'accept-encoding': 'gzip, br' } });
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.deepEqual(gunzipSync(zipped.body), plain.body);
    assert.ok(zipped.body.length < plain.body.length / 2);
  });
});

test('pages too large to be held are sent in chunks, compressed or not', async () => {
  await withSimulator({ jobs: 5, sequenceBytes: 3_000_000, gzip: true }, async (large) => {
    const { rows } = large.jobs.page({ offset: 0, limit: 5 });
    const plain = await ask(jobsUrl(large));
    const zipped = await ask(jobsUrl(large), { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(plain.headers['content-length'], undefined);
    assert.ok(plain.complete && plain.body.includes(rows.join(',')));
    assert.ok(gunzipSync(zipped.body).equals(plain.body));
  });
});

/** Asks for every job alone and for all on one page. */
async function broken(odd: Simulator, isBroken: (body: Buffer) => boolean): Promise<number[]> {
  const whole = await ask(jobsUrl(odd, 'order_by_direction=ASC'));
  assert.ok(whole.complete && isBroken(whole.body));
  const found: number[] = [];
  for (let offset = 0; offset < odd.jobs.size; offset++) {
    const one = await ask(jobsUrl(odd, `order_by_direction=ASC&limit=1&offset=${offset}`));
    assert.equal(one.headers['content-length'], String(one.body.length));
    if (isBroken(one.body)) found.push(offset);
  }
  return found;
}

test('a job with NaN breaks every page it is on, and no other', async () => {
  const isNoJson = (body: Buffer): boolean => {
    try {
      JSON.parse(body.toString());
      return false;
    } catch {
      return true;
    }
  };
  await withSimulator({ jobs: 12, planted: { 5: 'variables-nan' } }, async (odd) => {
    assert.deepEqual(await broken(odd, isNoJson), [5]);
    assert.deepEqual(await broken(odd, isNoJson), [5]);
  });
});

test('a job with a byte that is no UTF-8 breaks every page it is on, and no other', async () => {
  for (const cacheBytes of [0, 1_000_000]) {
    const planted = { 3: 'invalid-utf8' } as const;
    await withSimulator({ jobs: 12, planted, cacheBytes }, async (odd) => {
      assert.deepEqual(await broken(odd, (body) => !isUtf8(body)), [3]);
      const { body } = await ask(jobsUrl(odd, 'order_by_direction=ASC'));
      assert.equal(body.filter((byte) => byte === 0xff).length, 1);
      assert.equal(JSON.parse(body.toString()).data.length, 12);
    });
  }
});

test('a giant job goes out in chunks, whole, among others and alone', async () => {
  const planted = { 2: 'giant' } as const;
  await withSimulator({ jobs: 5, planted, giantBytes: 20_000_000, gzip: true }, async (odd) => {
    for (const query of ['order_by_direction=ASC', 'order_by_direction=ASC&limit=1&offset=2']) {
      const seen = await ask(jobsUrl(odd, query));
      assert.equal(seen.headers['content-length'], undefined);
      const sequences = JSON.parse(seen.body.toString()).data.map((job: Job) => job.sequence);
      const giant = String(sequences.find((sequence: string) => sequence.length > 1000));
      assert.equal(giant.length, 20_000_000);
      assert.ok(JSON.parse(giant).operations.length > 100_000);
    }
    const neighbours = await getPage(odd, 'order_by_direction=ASC&limit=2&offset=3');
    assert.equal(neighbours.data.length, 2);
  });
});
