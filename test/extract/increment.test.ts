import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Extraction } from '../../src/extract/extraction.ts';
import type { KnownBase } from '../../src/extract/increment.ts';
import { idOf } from '../../src/extract/ledger.ts';
import type { FetchPage, Page, PageAnswer, PageQuery } from '../../src/extract/page.ts';
import { type BaseIndex, IdList } from '../../src/jobs/id-index.ts';
import { JOB_FIELDS } from '../../src/json/raw-job.ts';
import { rawJob } from '../support/raw-jobs.ts';
import { type Entry, type ListOptions, ShiftingList } from '../support/shifting-list.ts';
import { readerOf } from './reading.ts';

const UPDATED = JOB_FIELDS.indexOf('updated_at');
const MICROS = 1e6;
const EPOCH = 1.7e15;

/** What a snapshot of the list would hold. */
function indexOf(entries: readonly Entry[], isFinal: (entry: Entry) => boolean): BaseIndex {
  const sorted = entries.toSorted((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
  const ids = new IdList();
  for (const { id } of sorted) ids.push(Buffer.from(id));
  return {
    rows: sorted.length,
    created: BigInt64Array.from(sorted, ({ created }) => BigInt(EPOCH + created * MICROS)),
    isFinal: Uint8Array.from(sorted, (entry) => Number(isFinal(entry))),
    ids: ids.memory,
  };
}

/** A list of which a snapshot was made when it was created; `overlap` seconds before its end are walked over again. */
function listWithBase(
  options: ListOptions,
  overlap: number,
  isFinal: (entry: Entry) => boolean = () => true,
): { list: ShiftingList; base: KnownBase } {
  const list = new ShiftingList(options);
  const last = list.entries.at(-1)?.created ?? 0;
  const trustedBefore = BigInt(EPOCH + (last - overlap) * MICROS);
  const groupsOf = (ids: readonly string[]) =>
    Array.from({ length: Math.ceil(ids.length / 90) }, (_, at) => ids.slice(at * 90, at * 90 + 90));
  return { list, base: { index: indexOf(list.entries, isFinal), trustedBefore, groupsOf } };
}

async function goOn(fetchPage: FetchPage, base: KnownBase, pageSize = 100) {
  const reader = readerOf(fetchPage, pageSize);
  const extraction = new Extraction({ reader, idPrefix: '', base, emit: () => {} });
  const shown = new Map<string, number>();
  for await (const { rows } of extraction.chunks())
    for (const row of rows) shown.set(idOf(row), Number(row.instant(UPDATED)));
  const { completeness, gone } = extraction;
  assert.ok(completeness);
  return { shown, gone: new Set(gone), completeness };
}

type Night = typeof night extends fc.Arbitrary<infer T> ? T : never;
const STRANGER = rawJob({ id: '00000000-0000-4000-8000-000000000000' });

const night = fc.record({
  length: fc.integer({ min: 30, max: 1500 }),
  tied: fc.integer({ min: 1, max: 6 }),
  pageSize: fc.constantFrom(10, 20, 100),
  seed: fc.nat(),
  added: fc.nat({ max: 150 }),
  late: fc.nat({ max: 5 }),
  ended: fc.nat({ max: 40 }),
  deleted: fc.nat({ max: 3 }),
  shuffles: fc.boolean(),
  /** Pages that a new batch takes whose jobs share a creation time, and its place among the new jobs in thousandths. */
  batch: fc.record({ pages: fc.constantFrom(0, 0, 0.9, 1.5, 4), at: fc.nat({ max: 1000 }) }),
  /** Changes a request, in thousandths. */
  drift: fc.constantFrom(0, 0, 200, 1000),
});

/** Rules of an incremental reading that a test may break: to count, to ask for jobs that were open. */
type Rule = 'counts' | 'open jobs';

/**
 * Judges an incremental reading of a list after a night.
 *
 * @returns whether it was proven; undefined where it gave up
 */
async function judge(given: Night, broken?: Rule): Promise<boolean> {
  const { added, late, ended, deleted, batch, drift, pageSize, ...options } = given;
  const overlap = 20;
  let busy = false;
  const { list, base } = listWithBase(
    {
      ...options,
      afterAnswer: (moving) => {
        if (!busy || moving.random() * 1000 >= drift) return;
        const newest = moving.entries.at(-1)?.created ?? 0;
        moving.insert(moving.entries.length, newest + Math.floor(moving.random() * 2));
      },
    },
    overlap,
  );
  const open = new Set(list.entries.slice(-3 * ended || list.entries.length).map(({ id }) => id));
  const isFinal = ({ id }: Entry) => broken === 'open jobs' || !open.has(id);
  const marked = { ...base, index: indexOf(list.entries, isFinal) };
  const known = new Set(list.entries.map(({ id }) => id));
  const newest = list.entries.at(-1)?.created ?? 0;
  for (let n = 0; n < ended; n++) {
    const entry = list.entries[list.entries.length - 1 - Math.floor(list.random() * 3 * ended)];
    if (entry && open.has(entry.id)) entry.updated += 1000;
  }
  let hidden = 0;
  for (let n = 0; n < deleted; n++) {
    const at = Math.floor(list.random() * list.entries.length);
    const { id, created } = list.entries[at];
    // Only a total tells of those.
    if (created < newest - overlap - 1 && !open.has(id)) hidden++;
    list.delete(at);
  }
  for (let n = 0; n < late; n++) {
    const created = newest - Math.floor(list.random() * overlap);
    const at = list.entries.findIndex((entry) => entry.created > created);
    list.insert(at < 0 ? list.entries.length : at, created);
  }
  for (let n = 0; n < added; n++) list.insert(list.entries.length, newest + 1 + Math.floor(n / 3));
  const times = Math.ceil(added / 3) + 1;
  const together = newest + 1 + Math.floor((batch.at / 1000) * times);
  for (let n = 0; n < batch.pages * pageSize; n++) {
    const at = list.entries.findIndex((entry) => entry.created > together);
    list.insert(at < 0 ? list.entries.length : at, together);
  }
  list.throughout.clear();
  for (const { id } of list.entries) list.throughout.add(id);
  busy = true;
  const before = new Map(list.entries.map((entry) => [entry.id, entry.updated]));
  const fetchPage: FetchPage = async (query) => {
    const answer = await list.fetchPage(query);
    const isBent = broken === 'counts' && query.direction === 'DESC' && answer.kind === 'page';
    return isBent ? { ...answer, total: answer.total + hidden } : answer;
  };
  const { shown, gone, completeness } = await goOn(fetchPage, marked, pageSize);
  if (!completeness.proven) return false;
  const table = new Set([...known].filter((id) => !gone.has(id)));
  for (const id of shown.keys()) table.add(id);
  for (const id of list.throughout) assert.ok(table.has(id), `${id} is missing`);
  const now = new Set(list.entries.map(({ id }) => id));
  for (const id of table) assert.ok(now.has(id), `${id} is no more`);
  for (const [id, updated] of before)
    if (open.has(id) || !known.has(id))
      assert.equal(shown.get(id), EPOCH + updated * MICROS, 'an old version');
  return true;
}

test('base, rows read and jobs gone make the list, whatever happened since', async (t) => {
  // Where a batch is longer than a page, a short list is read whole for less.
  const counts = {
    usual: { proven: 0, runs: 0, least: 0.6 },
    long: { proven: 0, runs: 0, least: 0.1 },
  };
  const property = fc.asyncProperty(night, async (given) => {
    const count = counts[given.batch.pages > 1 ? 'long' : 'usual'];
    count.runs++;
    if (await judge(given)) count.proven++;
  });
  await fc.assert(property, { numRuns: 250, includeErrorInReport: true });
  for (const [batch, { proven, runs, least }] of Object.entries(counts)) {
    t.diagnostic(`${batch} batches: ${proven} of ${runs} proven`);
    assert.ok(proven > runs * least, `${batch} batches: ${proven} of ${runs} proven`);
  }
});

for (const rule of ['counts', 'open jobs'] as const)
  test(`the same judge finds an incremental reading wrong that broke the rule of ${rule}`, async () => {
    const property = fc.asyncProperty(night, async (given) => {
      await judge(given, rule);
    });
    const { failed, errorInstance } = await fc.check(property, { numRuns: 200 });
    assert.ok(failed);
    assert.match(String(errorInstance), rule === 'counts' ? /is no more/ : /an old version/);
  });

test('what the server does not do as it should, or is older than trusted, gives no proof', async () => {
  const day = { length: 2000, tied: 3 };
  const bent: Record<string, (query: PageQuery, answer: Page) => PageAnswer> = {
    'a total that is capped': (_query, page) => ({ ...page, total: Math.min(page.total, 1000) }),
    'the filter id is ignored': ({ ids }, page) =>
      ids ? { ...page, rows: page.rows.slice(0, 1).map(() => STRANGER) } : page,
    'a record that cannot be read': (query, page) =>
      query.direction === 'DESC'
        ? { ...page, damaged: [{ at: 0, reason: 'no JSON', bytes: new Uint8Array(1) }] }
        : page,
  };
  for (const [name, bend] of Object.entries(bent)) {
    const { list, base } = listWithBase(day, 20, ({ created }) => created > 5);
    const fetchPage: FetchPage = async (query) => {
      const answer = await list.fetchPage(query);
      return answer.kind === 'page' ? bend(query, answer) : answer;
    };
    const { completeness } = await goOn(fetchPage, base);
    assert.equal(completeness.method, 'none', name);
  }
  const { list, base } = listWithBase(day, 20);
  list.insert(100);
  const { completeness } = await goOn(list.fetchPage, base);
  assert.match(completeness.reason, /older than the overlap/);
});

test('a list that is emptied while it is read is no failure', async () => {
  for (const after of [1, 2, 3, 4]) {
    const empties = (list: ShiftingList) => {
      if (list.requests === after) list.entries.length = 0;
    };
    const { list, base } = listWithBase({ length: 300, tied: 2, afterAnswer: empties }, 20);
    const { completeness } = await goOn(list.fetchPage, base);
    assert.ok(['incremental', 'none'].includes(completeness.method));
  }
});

test('a batch longer than a page is read by prefixes of the id, wherever it stands', async () => {
  for (const [size, behind, pageSize, most] of [
    [400, 50, 100, 120],
    [400, 0, 100, 120],
    [150, 1, 100, 120],
    [600, 10, 20, 1200],
  ]) {
    const { list, base } = listWithBase({ length: 30_000, tied: 3, shuffles: true }, 20);
    const newest = list.entries.at(-1)?.created ?? 0;
    for (let n = 0; n < size; n++) list.insert(list.entries.length, newest + 60);
    for (let n = 0; n < behind; n++) list.insert(list.entries.length, newest + 120 + n);
    const { completeness, shown } = await goOn(list.fetchPage, base, pageSize);
    assert.equal(completeness.method, 'incremental', completeness.reason);
    for (const { id } of list.entries.slice(30_000)) assert.ok(shown.has(id));
    assert.ok(list.requests < most, `${list.requests} requests`);
  }
});

test('a server that does not honour the prefix of a divided list, or ids without one, give no proof', async () => {
  for (const bent of ['ignored', 'an odd id'] as const) {
    const { list, base } = listWithBase({ length: 60_000, tied: 3 }, 20);
    const newest = list.entries.at(-1)?.created ?? 0;
    for (let n = 0; n < 300; n++) list.insert(list.entries.length, newest + 60);
    const odd = list.entries[60_100];
    if (bent === 'an odd id') list.entries[60_100] = { ...odd, id: `job-${odd.id}` };
    const fetchPage: FetchPage = ({ idStartsWith, ...query }) =>
      list.fetchPage(bent === 'ignored' || !idStartsWith ? query : { ...query, idStartsWith });
    const { completeness } = await goOn(fetchPage, base);
    assert.equal(completeness.method, 'none');
    assert.match(
      completeness.reason,
      bent === 'ignored' ? /id__starts_with/ : /no lower-case UUIDs|totals do not agree/,
    );
  }
});

test('a quiet night takes four requests', async () => {
  const { list, base } = listWithBase({ length: 20_000, tied: 3 }, 20);
  const { completeness, shown } = await goOn(list.fetchPage, base);
  assert.equal(completeness.method, 'incremental');
  assert.ok(list.requests <= 4, `${list.requests} requests`);
  assert.ok(shown.size < 200);
});
