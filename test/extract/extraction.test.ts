import assert from 'node:assert/strict';
import test from 'node:test';
import { Extraction } from '../../src/extract/extraction.ts';
import type { FetchPage } from '../../src/extract/page.ts';
import type { ListReader } from '../../src/extract/read-windows.ts';
import { RawJob } from '../../src/json/raw-job.ts';
import { idOf } from '../support/raw-jobs.ts';
import { ShiftingList, swapAcrossSeams } from '../support/shifting-list.ts';

function reader(fetchPage: FetchPage, pageSize = 100, windows = 8): ListReader {
  return {
    fetchPage,
    pageSize,
    readAhead: { windows, bytes: 1e9 },
    signal: new AbortController().signal,
  };
}

async function idsOf(extraction: Extraction): Promise<string[]> {
  const rows: RawJob[] = [];
  for await (const chunk of extraction.chunks()) rows.push(...chunk.rows);
  return rows.map(idOf);
}

const still = { idPrefix: '', emit: () => {} };

for (const length of [0, 1, 2, 99, 100, 101, 199, 200, 1000, 9902]) {
  test(`a still list of ${length} is read in order, proven by its seams, in at most ceil((N-1)/99)+3 requests`, async () => {
    const list = new ShiftingList(length, 5, length);
    const extraction = new Extraction({ ...still, reader: reader(list.fetcher(() => {})) });
    assert.deepEqual(
      await idsOf(extraction),
      list.entries.map(({ id }) => id),
    );
    assert.equal(extraction.completeness?.proven, true);
    assert.equal(extraction.completeness?.method, 'seams');
    assert.equal(extraction.completeness?.reconciled, null);
    assert.ok(
      list.requests <= Math.ceil(Math.max(0, length - 1) / 99) + 3,
      `${list.requests} requests`,
    );
  });
}

test('a still list is proven though its newest jobs are more than a page, one of them without a time', async () => {
  const list = new ShiftingList(1000, 5, 12);
  for (const entry of list.entries.slice(700)) entry.created = 1_000_000;
  const fetchPage: FetchPage = async (query) => {
    const page = list.page(query);
    const untimed = list.entries[980].id;
    return {
      ...page,
      rows: page.rows.map((row) =>
        idOf(row) === untimed ? RawJob.parse(JSON.stringify({ id: untimed })) : row,
      ),
    };
  };
  const extraction = new Extraction({ ...still, reader: reader(fetchPage) });
  assert.equal((await idsOf(extraction)).length, 1000);
  assert.equal(extraction.completeness?.method, 'seams');
});

test('rows come in the same order whatever the read-ahead', async () => {
  const orders = await Promise.all(
    [1, 16].map((windows) => {
      const list = new ShiftingList(3000, 5, 1);
      return idsOf(
        new Extraction({
          ...still,
          reader: reader(
            list.fetcher(() => {}),
            100,
            windows,
          ),
        }),
      );
    }),
  );
  assert.deepEqual(orders[0], orders[1]);
});

test('what is read but not handed out never exceeds the read-ahead', async () => {
  const list = new ShiftingList(5000, 5, 2);
  let started = 0;
  const fetchPage: FetchPage = async (query) => {
    started++;
    return list.page(query);
  };
  const windows = 6;
  let handedOut = 0;
  let most = 0;
  for await (const { rows } of new Extraction({
    ...still,
    reader: reader(fetchPage, 100, windows),
  }).chunks()) {
    most = Math.max(most, started * 99 - handedOut);
    handedOut += rows.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(handedOut, 5000);
  assert.ok(most <= (windows + 2) * 100, `${most} rows ahead`);
});

test('large pages shrink the read-ahead to its byte budget', async () => {
  const list = new ShiftingList(3000, 5, 3);
  let inFlight = 0;
  let most = 0;
  const fetchPage: FetchPage = async (query) => {
    inFlight++;
    if (query.offset > 500) most = Math.max(most, inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight--;
    return { ...list.page(query), bytes: 10_000_000 };
  };
  const settings = { ...reader(fetchPage), readAhead: { windows: 16, bytes: 30_000_000 } };
  await idsOf(new Extraction({ ...still, reader: settings }));
  assert.ok(most <= 3, `${most} in flight`);
});

test('a page that is too large is read in halves, and the next ones are smaller from the start', async () => {
  const list = new ShiftingList(700, 5, 4);
  const limits: number[] = [];
  const fetchPage: FetchPage = async (query) => {
    limits.push(query.limit);
    return query.limit > 30 ? { kind: 'too-large', limitBytes: 64 } : list.page(query);
  };
  const extraction = new Extraction({ ...still, reader: reader(fetchPage, 100, 2) });
  assert.deepEqual(
    await idsOf(extraction),
    list.entries.map(({ id }) => id),
  );
  assert.equal(extraction.completeness?.proven, true);
  assert.ok(limits.filter((limit) => limit > 30).length < limits.length / 3, String(limits));
});

test('a single job that is too large ends the run with 76', async () => {
  const list = new ShiftingList(300, 5, 5);
  const fetchPage: FetchPage = async (query) =>
    query.offset <= 150 && query.offset + query.limit > 150
      ? { kind: 'too-large', limitBytes: 64 }
      : list.page(query);
  await assert.rejects(idsOf(new Extraction({ ...still, reader: reader(fetchPage) })), {
    exitCode: 76,
    message: /offset 150 is larger than 64 bytes/,
  });
});

test('the newer version of a row that came twice in its seam is handed out', async () => {
  const list = new ShiftingList(500, 5, 6);
  const seam = list.entries[99];
  const fetchPage: FetchPage = async (query) => {
    if (query.offset === 99) seam.updated = 999_999;
    return list.page(query);
  };
  const extraction = new Extraction({ ...still, reader: reader(fetchPage, 100, 1) });
  const rows: RawJob[] = [];
  for await (const chunk of extraction.chunks()) rows.push(...chunk.rows);
  const [row] = rows.filter((job) => idOf(job) === seam.id);
  assert.match(String(row.string('updated_at')), /^2024-01-12T13:46:39/);
});

test('jobs lost among ties are found by counting id prefixes, at a cost that follows what was lost', async () => {
  for (const lost of [1, 5]) {
    const list = new ShiftingList(40_000, 1e9, 7);
    const seams = Array.from({ length: lost }, (_, at) => 99 * 20 * (at + 1));
    const extraction = new Extraction({
      ...still,
      reader: reader(swapAcrossSeams(list, seams), 100, 1),
    });
    const ids = await idsOf(extraction);
    assert.equal(new Set(ids).size, 40_000);
    assert.equal(extraction.completeness?.method, 'counts');
    assert.equal(extraction.completeness?.reconciled?.found, lost);
    const requests = extraction.completeness?.reconciled?.requests ?? 0;
    assert.ok(requests <= 70 * lost + 20, `${requests} requests for ${lost} lost`);
  }
});

test('a server that ignores the prefix filter is noticed, and other proofs are tried', async () => {
  const list = new ShiftingList(800, 30, 8);
  const seam = Array.from({ length: 7 }, (_, at) => 99 * (at + 1)).find(
    (at) => list.entries[at - 1].created === list.entries[at + 1].created,
  );
  assert.ok(seam !== undefined);
  list.ignoresPrefix = true;
  const warnings: string[] = [];
  const extraction = new Extraction({
    reader: reader(swapAcrossSeams(list, [seam]), 100, 1),
    idPrefix: '',
    emit: (event) => {
      if (event.type === 'log' && event.level === 'warn') warnings.push(event.message);
    },
  });
  const ids = await idsOf(extraction);
  assert.deepEqual(ids.toSorted(), list.entries.map(({ id }) => id).toSorted());
  assert.equal(extraction.completeness?.method, 'ties');
  assert.match(warnings.join(), /does not honour id__starts_with/);
});

test('jobs deleted during the walk are noticed, and nothing else is lost', async () => {
  const list = new ShiftingList(5000, 3, 9);
  let requests = 0;
  const fetchPage = list.fetcher(() => {
    requests++;
    if (requests === 10 || requests === 20) list.delete(5);
    if (requests === 30) for (let times = 0; times < 250; times++) list.delete(0);
  });
  const extraction = new Extraction({ ...still, reader: reader(fetchPage) });
  const ids = new Set(await idsOf(extraction));
  assert.deepEqual(
    [...list.throughout].filter((id) => !ids.has(id)),
    [],
  );
  assert.equal(extraction.completeness?.proven, true);
  assert.equal(extraction.completeness?.drift, true);
});

test('a failing page ends the iteration with its error and leaves no request behind', async () => {
  const list = new ShiftingList(3000, 5, 10);
  let inFlight = 0;
  const fetchPage: FetchPage = async (query, signal) => {
    inFlight++;
    try {
      if (query.offset === 990) throw new Error('the network is gone');
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 5);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      });
      return list.page(query);
    } finally {
      inFlight--;
    }
  };
  await assert.rejects(
    idsOf(new Extraction({ ...still, reader: reader(fetchPage) })),
    /the network is gone/,
  );
  assert.equal(inFlight, 0);
});
