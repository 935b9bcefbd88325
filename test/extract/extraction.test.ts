import assert from 'node:assert/strict';
import test from 'node:test';
import { Extraction, type RowChunk } from '../../src/extract/extraction.ts';
import { idOf, Ledger } from '../../src/extract/ledger.ts';
import { List } from '../../src/extract/list.ts';
import type { FetchPage, PageAnswer } from '../../src/extract/page.ts';
import type { JsonValue } from '../../src/json/checked-json.ts';
import { JOB_FIELDS, type RawJob } from '../../src/json/raw-job.ts';
import { ShiftingList } from '../support/shifting-list.ts';
import { readAll, readerOf } from './reading.ts';

function instantOf(row: RawJob, field: string) {
  return row.instant(JOB_FIELDS.indexOf(field));
}

function assertAllThere(list: ShiftingList, ids: ReadonlyMap<string, number>): void {
  assert.deepEqual(
    [...list.throughout].filter((id) => !ids.has(id)),
    [],
  );
}

/** Changes what the list answers. */
function altered(
  list: ShiftingList,
  alter: (...args: [PageAnswer & { kind: 'page' }, Parameters<FetchPage>[0]]) => PageAnswer,
): FetchPage {
  return async (query, signal) => {
    const answer = await list.fetchPage(query, signal);
    return answer.kind === 'page' ? alter(answer, query) : answer;
  };
}

const TOTALS: Readonly<Record<string, (total: number, offset: number, rows: number) => number>> = {
  capped: (total) => Math.min(total, 300),
  'that of the page': (_total, _offset, rows) => rows,
  'offset and rows': (_total, offset, rows) => offset + rows,
  old: () => 250,
};
for (const [kind, wrong] of Object.entries(TOTALS))
  test(`a total that is ${kind} is no evidence: the list is read to its end`, async () => {
    const list = new ShiftingList({ length: 1000, tied: 3 });
    const fetchPage = altered(list, (answer, { offset }) => ({
      ...answer,
      total: wrong(answer.total, offset, answer.rows.length),
    }));
    const { ids, completeness } = await readAll(readerOf(fetchPage));
    assert.equal(completeness.method, 'enclosed');
    assert.equal(ids.size, 1000);
  });

test('a still list is read far behind a total that is capped, as the newest job is known', async () => {
  const list = new ShiftingList({ length: 6100, refuses: ['id', 'prefix'] });
  const fetchPage = altered(list, (answer) => ({ ...answer, total: 1000 }));
  const { ids, completeness } = await readAll(readerOf(fetchPage, 10));
  assert.equal(completeness.method, 'enclosed', completeness.reason);
  assert.equal(ids.size, 6100);
});

test('a list without order ends where no more jobs come, whatever its total', async () => {
  const list = new ShiftingList({ length: 500, tied: 500, shuffles: true, refuses: ['prefix'] });
  const fetchPage = altered(list, (answer) => ({
    ...answer,
    rows: answer.rows.toSorted((a, b) => (idOf(a) < idOf(b) ? 1 : -1)),
    total: Number.MAX_SAFE_INTEGER,
    short: answer.rows.length < 100,
  }));
  const { completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.proven, false);
  assert.ok(list.requests < 200, `${list.requests} requests`);
});

test('where the reach is capped, leaves find the rest', async () => {
  const list = new ShiftingList({ length: 1200, tied: 3 });
  const fetchPage = altered(list, (answer, { offset, direction, idStartsWith }) =>
    direction !== 'DESC' && idStartsWith === undefined && offset >= 500
      ? { ...answer, rows: [], total: 500 }
      : { ...answer, total: Math.min(500, answer.total) },
  );
  const { ids, completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.proven, true, JSON.stringify(completeness));
  assert.equal(ids.size, 1200);
  assert.ok(completeness.found > 0);
});

test('a job that fills a page is held once, however often its window is halved', async () => {
  const list = new ShiftingList({ length: 20 });
  const fetchPage: FetchPage = async (query) =>
    query.limit > 1
      ? { kind: 'too-large', limitBytes: 64, head: Buffer.from('[') }
      : list.fetchPage(query);
  const requests = { windows: 0, enclosing: 0, id: 0, leaves: 0 };
  const seen = { requests, longest: 0, drift: false, totals: { first: -1, last: 0 } };
  const halved = new List(readerOf(fetchPage), new Ledger(), seen);
  const answers = await halved.read({ offset: 0, limit: 20 });
  const rows = answers.flatMap((answer) => (answer.kind === 'page' ? answer.rows : []));
  assert.ok(rows.length > 25, 'halves share jobs');
  assert.equal(new Set(rows).size, 20);
});

test('a list that hides rows of its pages is not proven, and does not go on for ever', async () => {
  const list = new ShiftingList({ length: 2000, tied: 3 });
  const hidden = new Set(list.entries.filter((_, at) => at % 50 === 7).map(({ id }) => id));
  const fetchPage = altered(list, (answer) => {
    const rows = answer.rows.filter((row) => !hidden.has(idOf(row)));
    return { ...answer, rows, short: rows.length < answer.rows.length };
  });
  const { ids, completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.method, 'none');
  assert.match(completeness.reason, /fewer jobs than its own total/);
  assert.equal(ids.size, 2000 - hidden.size);
  assert.ok(list.requests < 200, `${list.requests} requests`);
});

test('a server that ignores the offset is told from one that lists jobs: 76', async () => {
  const list = new ShiftingList({ length: 2000, tied: 3 });
  const fetchPage: FetchPage = (query) => list.fetchPage({ ...query, offset: 0 });
  await assert.rejects(readAll(readerOf(fetchPage)), {
    exitCode: 76,
    message: /whatever the offset/,
  });
});

test('a list without end is given up', async () => {
  const list = new ShiftingList({ length: 200, tied: 3 });
  const fetchPage = altered(list, (answer, { offset, limit, idStartsWith, orderBy }) => {
    const made = Array.from({ length: limit }, () => list.newEntry(10));
    if (idStartsWith !== undefined || orderBy === 'id') return { kind: 'refused', what: 'no' };
    list.entries.splice(100, 0, ...made);
    return { ...answer, total: offset + limit + 100 };
  });
  const { completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.proven, false);
});

test('a list that an answer shows out of order is proven by its leaves', async () => {
  const list = new ShiftingList({ length: 600, refuses: ['id'] });
  const fetchPage = altered(list, (answer, { offset, idStartsWith }) =>
    offset > 90 && idStartsWith === undefined
      ? { ...answer, rows: answer.rows.toReversed() }
      : answer,
  );
  const { ids, completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.method, 'leaves');
  assert.match(JSON.stringify(completeness.tried), /not in the order of created_at/);
  assertAllThere(list, ids);
});

for (const refuses of [['prefix'], ['id'], ['id', 'prefix']] as const)
  test(`what is refused (${refuses}) is not needed while another method proves`, async () => {
    const { completeness } = await readAll(
      readerOf(new ShiftingList({ length: 500, tied: 4, refuses }).fetchPage),
    );
    assert.equal(completeness.method, 'enclosed');
  });

test('where everything is refused that could prove, the reasons say so', async () => {
  const list = new ShiftingList({ length: 500, tied: 150, refuses: ['id', 'prefix', 'DESC'] });
  const { ids, completeness } = await readAll(readerOf(list.fetchPage));
  assert.equal(completeness.method, 'none');
  assert.match(completeness.reason, /enclosed: .*; id: .*refused; leaves: .*refused/);
  assert.equal(ids.size, 500);
});

const PLACES = { first: 0, inside: 222, 'at a seam': 99, last: 499 };
for (const [place, at] of Object.entries(PLACES)) {
  test(`a record that is no JSON, ${place}, is set aside, its neighbours are proven`, async () => {
    const list = new ShiftingList({ length: 500, tied: 3 });
    const { id } = list.entries[at];
    const fetchPage = altered(list, (answer) => {
      const found = answer.rows.findIndex((row) => idOf(row) === id);
      if (found < 0) return answer;
      const damaged = [{ at: found, reason: 'not JSON', bytes: Buffer.from(id) }];
      return { ...answer, rows: answer.rows.toSpliced(found, 1), damaged };
    });
    const { ids, completeness, chunks } = await readAll(readerOf(fetchPage));
    assert.equal(completeness.method, 'enclosed');
    assert.equal(ids.size, 499);
    const aside = chunks.flatMap(({ setAside }) => setAside);
    const beside = [list.entries[at - 1], list.entries[at + 1]].flatMap((job) => job?.id ?? []);
    assert.deepEqual(
      aside.map(({ offset }) => offset),
      [at],
    );
    assert.ok(aside[0].reason.startsWith(`not JSON (offset ${at}, beside `), aside[0].reason);
    assert.ok(beside.some((id) => aside[0].reason.includes(id)));
  });

  for (const kind of ['unreadable', 'too-large'] as const)
    test(`a page that is ${kind} because of one job, ${place}: that job alone is set aside`, async () => {
      const list = new ShiftingList({ length: 500, tied: 3 });
      const { id } = list.entries[at];
      const fetchPage = altered(list, (answer, { offset }): PageAnswer => {
        if (!answer.rows.some((row) => idOf(row) === id)) return answer;
        const body = Buffer.from(
          `{"data":[ {"id":"${id}" \u{0}} ],"pagination":{"start":${offset}}}`,
        );
        return kind === 'unreadable'
          ? { kind, reason: 'not JSON', bytes: body }
          : {
              kind,
              limitBytes: 64,
              head: Buffer.concat([body.subarray(0, 60), Buffer.alloc(40_000)]),
            };
      });
      const { ids, completeness, chunks } = await readAll(readerOf(fetchPage));
      assert.equal(completeness.method, 'leaves', completeness.reason);
      assert.equal(ids.size, 499);
      assert.ok(list.requests < 200, `${list.requests} requests`);
      const aside = chunks.flatMap(({ setAside }) => setAside);
      assert.equal(aside.length, 1);
      if (kind === 'unreadable') assert.equal(String(aside[0].raw), `{"id":"${id}" \u{0}}`);
      else assert.equal(aside[0].raw, null);
    });
}

test('jobs so large that a page holds one are proven by id prefix', async () => {
  const list = new ShiftingList({ length: 5 });
  const fetchPage = altered(
    list,
    (answer): PageAnswer =>
      answer.rows.length > 1
        ? { kind: 'too-large', limitBytes: 64, head: Buffer.from('[') }
        : { ...answer, bytes: 60e6 },
  );
  const { ids, completeness } = await readAll(readerOf(fetchPage));
  assert.equal(completeness.method, 'leaves', completeness.reason);
  assert.equal(ids.size, 5);
});

test('pages that are too large are asked for in smaller ones from then on', async () => {
  const list = new ShiftingList({ length: 700, tied: 3 });
  const limits: number[] = [];
  const fetchPage: FetchPage = async (query) => {
    limits.push(query.limit);
    return query.limit > 30
      ? { kind: 'too-large', limitBytes: 64, head: Buffer.from('[') }
      : list.fetchPage(query);
  };
  const { ids, completeness } = await readAll(readerOf(fetchPage, 100, 2));
  assert.equal(completeness.proven, true, JSON.stringify(completeness));
  assertAllThere(list, ids);
  assert.ok(limits.filter((limit) => limit > 30).length < limits.length / 3, String(limits));
});

test('a row that comes again in a newer version is handed out again, and counted', async () => {
  const list = new ShiftingList({ length: 300, tied: 3 });
  const seam = list.entries[98];
  const fetchPage: FetchPage = async (query) => {
    if (query.offset > 0 && query.offset < 100) seam.updated = 999_999;
    return list.fetchPage(query);
  };
  const { ids, chunks, completeness } = await readAll(readerOf(fetchPage, 100, 1));
  assert.equal(completeness.proven, true);
  assert.equal(ids.get(seam.id), 2);
  const versions = chunks.flatMap(({ rows }) => rows).filter((row) => idOf(row) === seam.id);
  assert.ok(
    Number(instantOf(versions[1], 'updated_at')) > Number(instantOf(versions[0], 'updated_at')),
  );
});

test('nothing before what is settled comes later, while the list is still', async () => {
  const list = new ShiftingList({ length: 3000, tied: 4, shuffles: true });
  const { chunks } = await readAll(readerOf(list.fetchPage));
  let settled = 0n;
  for (const chunk of chunks) {
    const times = chunk.rows.map((row) => instantOf(row, 'created_at') ?? -1);
    assert.ok(times.every((time) => time >= settled));
    settled = chunk.settled ?? settled;
  }
  assert.equal(settled > 1_700_000_700_000_000n, true);
});

for (const tied of [3, 150])
  for (const refuses of [[], ['id']] as const)
    test(`killed after any chunk, it goes on: ties of ${tied}, ${refuses.length > 0 ? 'no order of the id' : 'all allowed'}`, async () => {
      const whole = new ShiftingList({ length: 900, tied, shuffles: true, refuses });
      const { chunks } = await readAll(readerOf(whole.fetchPage));
      for (let kill = 1; kill < chunks.length; kill += 3) {
        const list = new ShiftingList({ length: 900, tied, shuffles: true, refuses });
        const first = new Extraction({
          reader: readerOf(list.fetchPage),
          idPrefix: '',
          emit: () => {},
        });
        const kept: RowChunk[] = [];
        for await (const chunk of first.chunks()) if (kept.push(chunk) === kill) break;
        const ledger = new Ledger();
        const ids = new Set<string>();
        for (const row of kept.flatMap(({ rows }) => rows)) {
          ledger.restore(idOf(row), instantOf(row, 'updated_at'));
          ids.add(idOf(row));
        }
        const resumeFrom: JsonValue = JSON.parse(JSON.stringify(kept[kept.length - 1].state()));
        const asked = list.requests;
        const second = new Extraction({
          reader: readerOf(list.fetchPage),
          idPrefix: '',
          emit: () => {},
          ledger,
          resumeFrom,
        });
        for await (const { rows } of second.chunks()) {
          for (const row of rows) {
            assert.ok(!ids.has(idOf(row)), 'handed out twice');
            ids.add(idOf(row));
          }
        }
        assert.equal(second.completeness?.proven, true);
        assert.equal(ids.size, 900);
        assert.ok(list.requests - asked <= whole.requests + 2, `${list.requests - asked} requests`);
      }
    });

test('a list of ids is read in groups, each proven by itself; killed between two, it goes on', async () => {
  const list = new ShiftingList({ length: 600, tied: 3 });
  const all = list.entries.filter((_, at) => at % 3 === 0).map(({ id }) => id);
  const idGroups = [all.slice(0, 90), all.slice(90, 180), all.slice(180)];
  const asked: number[] = [];
  const fetchPage: FetchPage = async (query) => {
    const wanted = new ShiftingList({ length: 0 });
    const ids = new Set(query.ids);
    asked.push(ids.size);
    wanted.entries.push(...list.entries.filter(({ id }) => ids.has(id)));
    return wanted.answer(query);
  };
  const options = { reader: readerOf(fetchPage), idPrefix: '', idGroups, emit: () => {} };
  const kept: RowChunk[] = [];
  for await (const chunk of new Extraction(options).chunks()) if (kept.push(chunk) === 3) break;
  const ledger = new Ledger();
  const ids = kept.flatMap(({ rows }) => rows).map(idOf);
  for (const id of ids) ledger.restore(id, null);
  const resumeFrom: JsonValue = JSON.parse(JSON.stringify(kept[2].state()));
  const second = new Extraction({ ...options, ledger, resumeFrom });
  for await (const { rows } of second.chunks()) ids.push(...rows.map(idOf));
  assert.deepEqual(new Set(ids), new Set(all));
  assert.equal(second.completeness?.method, 'enclosed');
  assert.ok(asked.every((size) => size > 0 && size <= 90));
});

test('what is read but not handed out never exceeds the read-ahead', async () => {
  const list = new ShiftingList({ length: 5000 });
  let started = 0;
  const fetchPage: FetchPage = (query) => {
    started++;
    return list.fetchPage(query);
  };
  const windows = 6;
  let handedOut = 0;
  let most = 0;
  const reader = readerOf(fetchPage, 100, windows);
  for await (const { rows } of new Extraction({ reader, idPrefix: '', emit: () => {} }).chunks()) {
    most = Math.max(most, started * 98 - handedOut);
    handedOut += rows.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(handedOut, 5000);
  assert.ok(most > windows * 50 && most <= (windows + 3) * 100, `${most} rows ahead`);
});

test('large pages shrink the read-ahead to its byte budget', async () => {
  const list = new ShiftingList({ length: 3000 });
  let inFlight = 0;
  let most = 0;
  const fetchPage: FetchPage = async (query) => {
    inFlight++;
    if (query.offset > 500) most = Math.max(most, inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    inFlight--;
    const answer = await list.fetchPage(query);
    return answer.kind === 'page' ? { ...answer, bytes: 10_000_000 } : answer;
  };
  const reader = { ...readerOf(fetchPage), readAhead: { windows: 16, bytes: 30_000_000 } };
  await readAll(reader);
  assert.ok(most <= 3, `${most} in flight`);
});

test('a failing page ends the iteration with its error and leaves no request behind', async () => {
  const list = new ShiftingList({ length: 3000 });
  let inFlight = 0;
  const fetchPage: FetchPage = async (query, signal) => {
    inFlight++;
    try {
      if (query.offset > 900) throw new Error('the network is gone');
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 5);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      });
      return await list.fetchPage(query);
    } finally {
      inFlight--;
    }
  };
  await assert.rejects(readAll(readerOf(fetchPage)), /the network is gone/);
  assert.equal(inFlight, 0);
});
