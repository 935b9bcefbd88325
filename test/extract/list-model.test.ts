import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { timeText } from './list-changes.ts';
import { ListModel } from './list-model.ts';
import { HONEST, type ListQuery, type ModelJob, type ModelOptions } from './list-options.ts';
import { type Exporter, isWrong, judge, table, tally, type Verdict } from './oracle.ts';
import { KIND_NAMES, type Schedule, schedule } from './schedules.ts';

const ALL: ListQuery = { offset: 0, limit: 1e9, orderBy: 'created_at', direction: 'ASC' };
const BUSY: Partial<ModelOptions> = {
  ties: [1, 4],
  outside: 30,
  rate: 1,
  changes: {
    create: 1,
    createTied: 1,
    createSkewed: 1,
    insertOld: 1,
    deleteAnywhere: 1,
    deleteOldest: 1,
    deleteNewest: 1,
    deleteCluster: 1,
    leave: 1,
    enter: 1,
    update: 1,
    swapTies: 1,
    shuffleTies: 1,
  },
};

const modelOf = (options: Partial<ModelOptions>, seed = 1): ListModel =>
  new ListModel({ ...HONEST, ...options }, seed);

function page(model: ListModel, query: Partial<ListQuery> = {}) {
  const answer = model.answer({ ...ALL, ...query });
  assert.ok(answer.kind === 'page');
  return answer;
}

const idsOf = (jobs: readonly ModelJob[]): readonly string[] => jobs.map(({ id }) => id);
const timesOf = (jobs: readonly ModelJob[]) => jobs.map(({ created_at }) => created_at);
const ids = (model: ListModel, query?: Partial<ListQuery>) => idsOf(page(model, query).jobs);

/** Believes every page and the last total: what a first draft of an exporter does. */
const naive: Exporter = async (ask, { pageSize }) => {
  const found: string[] = [];
  let total = 1;
  for (let offset = 0; offset < total && found.length < 5_000; offset += pageSize) {
    const answer = await ask({ ...ALL, offset, limit: pageSize });
    if (answer.kind === 'refused') break;
    total = answer.total;
    found.push(...idsOf(answer.jobs));
  }
  return { proven: found.length === total, method: 'total', ids: found };
};

/** Takes the whole list from one answer. */
const perfect: Exporter = async (ask) => {
  const answer = await ask(ALL);
  const jobs = answer.kind === 'page' ? answer.jobs : [];
  return { proven: true, method: 'one answer', ids: idsOf(jobs) };
};

async function verdictsOf(exporter: Exporter, schedules: readonly Schedule[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const one of schedules) verdicts.push(await judge(one, exporter));
  return verdicts;
}

const firstSeeds = (rounds: number): readonly Schedule[] =>
  Array.from({ length: rounds * KIND_NAMES.length }, (_, seed) => schedule(seed));

describe('the model of the list', () => {
  it('gives the same answers for the same seed', () => {
    const told = (seed: number) => {
      const model = modelOf({ ...BUSY, replicas: 3, lag: 5, tieOrder: 'shuffled' }, seed);
      return Array.from({ length: 50 }, (_, at) => page(model, { offset: at * 5, limit: 9 }));
    };
    assert.deepEqual(told(7), told(7));
    assert.notDeepEqual(told(7), told(8));
  });

  it('orders by time, by id and by prefix, in both directions', () => {
    const model = modelOf({ ties: [1, 5] });
    const whole = page(model);
    assert.equal(whole.total, 300);
    assert.deepEqual(timesOf(whole.jobs), timesOf(whole.jobs).sort());
    const all = idsOf(whole.jobs);
    assert.deepEqual(ids(model, { direction: 'DESC' }), [...all].reverse());
    assert.deepEqual(ids(model, { orderBy: 'id' }), [...all].sort());
    assert.deepEqual(ids(model, { orderBy: 'id', direction: 'DESC' }), [...all].sort().reverse());
    for (const prefix of ['a', '0', 'f3', '']) {
      const matching = all.filter((id) => id.startsWith(prefix));
      const answer = page(model, { idStartsWith: prefix, limit: 7, offset: 2 });
      assert.deepEqual(idsOf(answer.jobs), matching.slice(2, 9));
      assert.equal(answer.total, matching.length);
    }
    for (const offset of [0, 13, 290, 300, 999]) {
      assert.deepEqual(ids(model, { offset, limit: 20 }), all.slice(offset, offset + 20));
      const last = ids(model, { offset, limit: 20, direction: 'DESC' });
      assert.deepEqual(last, [...all].reverse().slice(offset, offset + 20));
    }
  });

  it('keeps or shuffles ties, cut at any place', () => {
    const kept = modelOf({ ties: [3, 9], tieOrder: 'kept' });
    const all = page(kept).jobs;
    const newestFirst = [...all].sort((a, b) =>
      a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0,
    );
    for (let offset = 0; offset < 300; offset += 7) {
      assert.deepEqual(
        ids(kept, { offset, limit: 7, direction: 'DESC' }),
        idsOf(newestFirst.slice(offset, offset + 7)),
      );
    }
    const shuffled = modelOf({ ties: [3, 9], tieOrder: 'shuffled' });
    const [first, second] = [page(shuffled).jobs, page(shuffled).jobs];
    assert.notDeepEqual(idsOf(first), idsOf(second));
    assert.deepEqual(timesOf(first), timesOf(second));
    assert.deepEqual([...idsOf(first)].sort(), [...idsOf(second)].sort());
    const part = page(shuffled, { offset: 100, limit: 30 }).jobs;
    assert.equal(new Set(idsOf(part)).size, 30);
    assert.deepEqual(timesOf(part), timesOf(first).slice(100, 130));
  });

  it('sorts by second or by text where told so', () => {
    const dense = { gap: 100_000 };
    const seconds = timesOf(page(modelOf({ ...dense, sortedBy: 'second' })).jobs);
    assert.notDeepEqual(seconds, [...seconds].sort());
    const cut = seconds.map((text) => text.slice(0, 19));
    assert.deepEqual(cut, [...cut].sort());
    const texts = timesOf(page(modelOf({ sortedBy: 'text', shapes: 'mixed' })).jobs);
    assert.deepEqual(texts, [...texts].sort());
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((shape) => timeText(1_636_558_026_098_066, shape)),
      [
        '2021-11-10T15:27:06.098066',
        '2021-11-10T15:27:06.098066+00:00',
        '2021-11-10T17:27:06.098066+02:00',
        '2021-11-10T15:27:06.098066Z',
        '1636558026.098066',
      ],
    );
  });

  it('knows the jobs that were there throughout', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const model = modelOf(BUSY, seed);
      // One change an answer: whole answers show every state the list goes through.
      let seen: ReadonlySet<string> = new Set(model.throughout);
      assert.equal(seen.size, 300);
      for (let turn = 0; turn < 200; turn += 1) {
        seen = new Set(ids(model).filter((id) => seen.has(id)));
      }
      assert.deepEqual([...model.throughout].sort(), [...seen].sort());
      assert.ok(seen.size > 100 && seen.size < 280, `${seen.size} throughout`);
    }
  });

  it('never takes an order, a tie or a creation time wrongly while it changes', () => {
    const created = new Map<string, string>();
    const revisions = new Map<string, number>();
    const model = modelOf({ ...BUSY, rate: 3 });
    for (let turn = 0; turn < 300; turn += 1) {
      const { jobs, total } = page(model);
      assert.equal(new Set(idsOf(jobs)).size, total);
      assert.deepEqual(timesOf(jobs), timesOf(jobs).sort());
      for (const { id, created_at, revision } of jobs) {
        assert.equal(created.get(id) ?? created_at, created_at);
        assert.ok(revision >= (revisions.get(id) ?? 0));
        created.set(id, created_at);
        revisions.set(id, revision);
      }
    }
    assert.ok(Math.max(...revisions.values()) > 1);
  });

  it('answers from replicas that lag, but never go back', () => {
    const lagging = { rate: 1, changes: { create: 1 }, replicas: 3, lag: 10 };
    const model = modelOf(lagging);
    const behind = Array.from({ length: 300 }, () => {
      const { total } = page(model);
      return model.length - total;
    });
    assert.ok(Math.min(...behind) >= 0 && Math.max(...behind) === 10, `${Math.max(...behind)}`);
    assert.ok(new Set(behind).size > 5);
    const alone = modelOf({ ...lagging, replicas: 1 });
    const totals = Array.from({ length: 100 }, () => page(alone).total);
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => a - b),
    );
    const draining = modelOf({ ...lagging, changes: { deleteAnywhere: 1 } });
    for (let turn = 0; turn < 100; turn += 1) {
      const shown = new Set(ids(draining));
      assert.ok([...draining.throughout].every((id) => shown.has(id)));
    }
  });

  it('gives the totals it is told to', () => {
    const totalOf = (total: ModelOptions['total'], offset = 50) =>
      page(modelOf({ total }), { offset, limit: 20 }).total;
    assert.equal(totalOf({ kind: 'rows' }), 20);
    assert.equal(totalOf({ kind: 'offsetAndRows' }), 70);
    assert.equal(totalOf({ kind: 'capped', at: 100 }), 100);
    assert.equal(totalOf({ kind: 'offBy', by: -3 }), 297);
    const model = modelOf({
      rate: 1,
      changes: { deleteOldest: 1 },
      total: { kind: 'cached', answers: 3 },
    });
    const totals = Array.from({ length: 8 }, () => page(model).total);
    assert.deepEqual(totals, [299, 299, 299, 299, 295, 295, 295, 295]);
    assert.equal(page(modelOf({ reach: 100 }), { offset: 95, limit: 20 }).jobs.length, 5);
    assert.equal(page(modelOf({ reach: 100 }), { offset: 120, limit: 20 }).jobs.length, 0);
  });

  it('leaves rows out and cuts pages as told', () => {
    const hidden = modelOf({ hidden: 0.2 });
    const shown = ids(hidden);
    assert.ok(shown.length > 200 && shown.length < 280 && page(hidden).total === 300);
    assert.deepEqual(ids(hidden, { orderBy: 'id' }), [...shown].sort());
    assert.equal(hidden.throughout.size, 300);
    const dropping = modelOf({ dropped: 0.2 });
    assert.notDeepEqual(ids(dropping), ids(dropping));
    assert.equal(ids(modelOf({ longestPage: 7 }), { limit: 20 }).length, 7);
    const lengths = Array.from(
      { length: 20 },
      (_, seed) => ids(modelOf({ short: 0.5 }, seed)).length,
    );
    assert.ok(lengths.includes(300) && Math.min(...lengths) < 300);
  });

  it('refuses, ignores and makes up as told', () => {
    const refusing = modelOf({
      idOrder: 'refused',
      prefix: 'refused',
      descending: 'refused',
      refusal: 500,
    });
    const aside: Partial<ListQuery>[] = [
      { orderBy: 'id' },
      { idStartsWith: '' },
      { direction: 'DESC' },
    ];
    for (const query of aside) {
      const answer = refusing.answer({ ...ALL, ...query });
      assert.deepEqual(answer, { kind: 'refused', status: 500 });
    }
    const deaf = modelOf({
      idOrder: 'ignored',
      prefix: 'ignored',
      descending: 'ignored',
      offset: 'ignored',
    });
    for (const query of [...aside, { offset: 50 }, { idStartsWith: 'a' }]) {
      assert.deepEqual(ids(deaf, query), ids(deaf));
    }
    const endless = page(modelOf({ endless: true }), { offset: 290, limit: 20 });
    assert.equal(endless.jobs.length, 20);
    assert.ok(endless.total > 310);
    assert.deepEqual(timesOf(endless.jobs), timesOf(endless.jobs).sort());
  });

  it('empties the page of the end while it is asked for', () => {
    const model = modelOf({ jobs: 203, adversary: { kind: 'emptyEnd', chance: 1 } });
    assert.equal(ids(model, { offset: 100, limit: 20 }).length, 20);
    assert.equal(ids(model, { offset: 200, limit: 20 }).length, 0);
    assert.equal(ids(model, { offset: 199, limit: 20 }).length, 0);
    assert.equal(model.throughout.size, 199);
  });
});

describe('the oracle', () => {
  it('covers every kind, and gives the same schedule and verdict for a seed', async () => {
    const schedules = firstSeeds(1);
    assert.deepEqual(new Set(schedules.map(({ kind }) => kind)), new Set(KIND_NAMES));
    assert.deepEqual(await verdictsOf(naive, schedules), await verdictsOf(naive, firstSeeds(1)));
  });

  it('catches an exporter that believes totals, in every kind that moves or misleads', async () => {
    const tallies = tally(await verdictsOf(naive, firstSeeds(40)));
    const wrong = tallies.filter((row) => row.wrong > 0).map(({ kind }) => kind);
    const drifting = [
      '2 total and reach capped',
      '2 total of the page',
      '3 cancelled out in a filter',
      '3 cancelled out by clocks',
      '4 equal counts',
      '6 replicas that lag',
      '7 still, ties shuffled',
      '8 ties past a page, drifting',
      'drift of every sort',
    ];
    assert.deepEqual(
      drifting.filter((kind) => !wrong.includes(kind)),
      [],
      table(tallies),
    );
  });

  it('finds no fault with one whole answer of an honest server', async () => {
    const whole = firstSeeds(20).filter(
      ({ model }) =>
        model.hidden + model.dropped + model.short === 0 &&
        !model.endless &&
        Math.min(model.reach, model.longestPage) === Number.POSITIVE_INFINITY,
    );
    const verdicts = await verdictsOf(perfect, whole);
    assert.deepEqual(verdicts.filter(isWrong), []);
    assert.ok(verdicts.length > 500);
  });

  it('stops an exporter that asks without end', async () => {
    const endless: Exporter = async (ask) => {
      for (;;) await ask(ALL);
    };
    await assert.rejects(judge(schedule(0), endless), /requests for \d+ windows/);
  });

  it('answers requests under way at once in another order', async () => {
    const order: number[] = [];
    const asker: Exporter = async (ask) => {
      const asked = [0, 1, 2, 3, 4, 5, 6, 7].map(async (place) => {
        await ask({ ...ALL, offset: place });
        order.push(place);
      });
      await Promise.all(asked);
      return { proven: false, method: '', ids: [] };
    };
    await judge({ ...schedule(0), hops: 20 }, asker);
    assert.notDeepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it('tells in its table which expectation was not met', async () => {
    const verdict = await judge({ ...schedule(0), expected: 'never' }, perfect);
    const [row] = tally([verdict, { ...verdict, proven: false }]);
    assert.deepEqual([row.schedules, row.proven, row.refused, row.asExpected], [2, 1, 1, false]);
    assert.match(table([row]), /\| 2 \| 1 \| 1 \| 0 \| 0\.\d\d \| never: NOT MET \|/);
  });
});
