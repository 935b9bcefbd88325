import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AS_OF, generatedRows, pageOf, type Row, tableOf, textOf, ZONE } from './generated.ts';
import * as oracle from './oracle.ts';

const STATUSES = ['DONE', 'ERROR', 'TIMED_OUT', 'CANCELED', 'RUNNING', 'PENDING'];

/** Cells that are numbers, within what three decimals hide; empty for none. */
function assertNumbers(cells: readonly string[], expected: readonly (number | null)[]): void {
  assert.equal(cells.length, expected.length);
  for (const [at, value] of expected.entries()) {
    const cell = cells[at] ?? '';
    if (value === null) assert.equal(cell, '');
    else assert.ok(cell !== '' && Math.abs(Number(cell) - value) < 0.0006, `${cell} for ${value}`);
  }
}

const quantiles = (values: readonly (number | null)[]) =>
  [0.5, 0.9, 0.99].map((share) => oracle.quantile(values, share));

describe('the numbers of the page', () => {
  const rows = generatedRows(1500, 7);
  const recent = rows.filter(({ created_at }) => oracle.isRecent(created_at));
  const dayOf = (instant: number) => oracle.localParts(instant, ZONE).date;
  const weekOf = (instant: number) => oracle.weekOf(dayOf(instant));
  let html = '';

  it('are made', async (t) => {
    html = await pageOf(t, rows);
  });

  const windows = [
    { id: 'recent', rows: recent, stepOf: dayOf },
    { id: 'all', rows, stepOf: weekOf },
  ] as const;
  for (const window of windows) {
    const groups = oracle.groupBy(window.rows, ({ created_at }) => window.stepOf(created_at));

    it(`jobs by status, ${window.id}`, () => {
      const found = tableOf(html, `jobs-${window.id}`);
      const monthly =
        window.id === 'all'
          ? oracle.groupBy(rows, ({ created_at }) => `${dayOf(created_at).slice(0, 7)}-01`)
          : groups;
      for (const [step, ...cells] of found) {
        const own = monthly.get(step ?? '') ?? [];
        const counts = STATUSES.map((name) => own.filter(({ status }) => status === name).length);
        const other = own.length - oracle.sum(counts);
        assertNumbers(cells, [...counts, other, own.length]);
      }
      assert.equal(oracle.sum(found.map((cells) => Number(cells.at(-1)))), window.rows.length);
    });

    for (const [id, timeOf] of [
      ['queue', oracle.waitOf],
      ['run', oracle.runOf],
    ] as const) {
      it(`${id} time, ${window.id}`, () => {
        const found = tableOf(html, `${id}-${window.id}`);
        assert.ok([...groups.keys()].every((step) => found.some(([first]) => first === step)));
        for (const [step, ...cells] of found) {
          const own = groups.get(step ?? '') ?? [];
          assertNumbers(cells, [...quantiles(own.map(timeOf)), own.length]);
        }
      });
    }

    it(`failure rate, ${window.id}`, () => {
      for (const [step, ...cells] of tableOf(html, `rate-${window.id}`)) {
        const own = groups.get(step ?? '') ?? [];
        const failed = own.filter(oracle.isFailed).length;
        const ended = own.filter(oracle.isEnded).length;
        assertNumbers(cells, [ended === 0 ? null : failed / ended, failed, ended]);
      }
    });

    it(`distributions, ${window.id}`, () => {
      for (const [id, timeOf] of [
        ['waits', oracle.waitOf],
        ['runs', oracle.runOf],
      ] as const) {
        const found = tableOf(html, `${id}-${window.id}`);
        const edges = [...found.map((cells) => Number(cells.at(-1))), Number.POSITIVE_INFINITY];
        for (const [at, [, jobs]] of found.entries()) {
          const inside = window.rows
            .map(timeOf)
            .filter(
              (time) => time !== null && time >= (edges[at] ?? 0) && time < (edges[at + 1] ?? 0),
            );
          assert.equal(Number(jobs), inside.length);
        }
      }
    });

    it(`busy hours, ${window.id}`, () => {
      const found = tableOf(html, `hours-${window.id}`);
      const counts = new Map<string, number>();
      for (const { created_at } of window.rows) {
        const { hour, weekday } = oracle.localParts(created_at, ZONE);
        counts.set(`${hour} ${weekday}`, (counts.get(`${hour} ${weekday}`) ?? 0) + 1);
      }
      const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
      for (const [hour, [, ...cells]] of found.entries()) {
        const expected = days.map((day) => counts.get(`${hour} ${day}`) ?? 0);
        assert.deepEqual(
          cells.map((cell) => (cell === '·' ? 0 : Number(cell))),
          expected,
        );
      }
      assert.equal(found.length, 24);
    });
  }

  it('QPU time, by the day jobs started', () => {
    const started = rows.filter(({ start_timestamp }) => oracle.isRecent(start_timestamp));
    let sofar = 0;
    for (const [step, ...cells] of tableOf(html, 'qpu-recent')) {
      const own = started.filter(({ start_timestamp }) => dayOf(start_timestamp ?? 0) === step);
      const hours = oracle.sum(own.map(oracle.runOf)) / 3600;
      assertNumbers(cells, [hours]);
      sofar += hours;
    }
    assert.ok(sofar > 0);
    const [, total = ''] = tableOf(html, 'cumulative-recent').at(-1) ?? [];
    assertNumbers([total], [sofar]);
  });

  it('the headline', () => {
    const [, head = ''] = /<section id="headline">([\s\S]*?)<\/dl>/.exec(html) ?? [];
    const cards = [...head.matchAll(/<div class="card">([\s\S]*?)<\/div>/g)].map(([, card = '']) =>
      [...card.matchAll(/<d[td][^>]*>(.*?)<\/d[td]>/g)].map(([, text = '']) => textOf(text)),
    );
    const ended = recent.filter(oracle.isEnded);
    const rate = (100 * recent.filter(oracle.isFailed).length) / ended.length;
    const timed = recent.filter((row) => oracle.waitOf(row) !== null && oracle.runOf(row) !== null);
    const runs = oracle.sum(timed.map(oracle.runOf));
    const factor = (oracle.sum(timed.map(oracle.waitOf)) + runs) / runs;
    const [jobs, failures, queue, expansion, , waiting] = cards;
    assert.equal(jobs?.[1], recent.length.toLocaleString('en-US'));
    assert.equal(jobs?.at(-1), 'all time: 1,500');
    assert.equal(failures?.[1], `${rate.toFixed(0)}%`);
    const median = oracle.quantile(recent.map(oracle.waitOf), 0.5) ?? 0;
    assert.equal(queue?.[1], `${(median / 3600).toFixed(1).replace('.0', '')} h`);
    assert.equal(expansion?.[1], `${Number(factor.toPrecision(3))}×`);
    assert.equal(Number(waiting?.[1]), rows.filter(({ status }) => status === 'PENDING').length);
  });

  it('errors without their numbers, with the newest jobs', () => {
    const found = tableOf(html, 'failures', 2);
    const failed = rows
      .filter(({ status }) => status === 'ERROR')
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
    const kinds = [
      ['Atom # is # um off', failed],
      ['Job # gave up', failed.filter(({ errors }) => errors?.length === 3)],
    ] as const;
    assert.equal(found.length, kinds.length);
    for (const [at, [kind, jobs]] of kinds.entries()) {
      const [text = '', ofRecent, ofAll, , ids = ''] = found[at] ?? [];
      assert.ok(text.startsWith(`${kind}such as: `), text);
      assert.equal(
        Number(ofRecent),
        jobs.filter(({ created_at }) => oracle.isRecent(created_at)).length,
      );
      assert.equal(Number(ofAll), jobs.length);
      assert.deepEqual(
        ids.split(/\s+/),
        jobs.slice(0, 3).map(({ id }) => id),
      );
    }
  });

  it('top projects and batches', () => {
    const section = html.slice(html.indexOf('id="top"'), html.indexOf('id="hours"'));
    const lists = [...section.matchAll(/<ol class="top">([\s\S]*?)<\/ol>/g)].map(([, list = '']) =>
      [...list.matchAll(/<bdi>(.*?)<\/bdi>/g)].map(([, id]) => id),
    );
    const expected = (['project_id', 'batch_id'] as const).flatMap((owner) =>
      [oracle.isRecent, () => true].flatMap((isIn) => {
        const groups = [...oracle.groupBy(rows, (row) => row[owner])].map(([id, own]) => {
          const created = own.filter(({ created_at }) => isIn(created_at));
          const started = own.filter(
            ({ start_timestamp }) => start_timestamp !== null && isIn(start_timestamp),
          );
          return {
            id,
            values: [
              created.length,
              oracle.sum(started.map(oracle.runOf)),
              oracle.quantile(created.map(oracle.waitOf), 0.5) ?? 0,
            ],
          };
        });
        return [0, 1, 2].map((at) =>
          groups
            .filter(({ values }) => (values[at] ?? 0) > 0)
            .sort((a, b) => (b.values[at] ?? 0) - (a.values[at] ?? 0) || (a.id < b.id ? -1 : 1))
            .slice(0, 5)
            .map(({ id }) => id),
        );
      }),
    );
    assert.deepEqual(lists, expected);
  });

  it('the oldest that wait or run', () => {
    const since = ({ status, created_at, start_timestamp }: Row) =>
      status === 'RUNNING' && start_timestamp !== null && start_timestamp >= created_at
        ? start_timestamp
        : created_at;
    const open = rows
      .filter(({ status }) => status === 'PENDING' || status === 'RUNNING')
      .sort(
        (a, b) => Math.min(since(a), AS_OF) - Math.min(since(b), AS_OF) || (a.id < b.id ? -1 : 1),
      );
    assert.deepEqual(
      tableOf(html, 'open', 1).map(([id]) => id),
      open.slice(0, 10).map(({ id }) => id),
    );
  });
});
