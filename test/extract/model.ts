import assert from 'node:assert/strict';
import test from 'node:test';
import { Extraction } from '../../src/extract/extraction.ts';
import { idOf } from '../support/raw-jobs.ts';
import { ShiftingList, seededRandom } from '../support/shifting-list.ts';

type Operation = 'append' | 'backdate' | 'delete' | 'update' | 'shuffle';

interface Schedule {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Chance of a change after an answer. */
  readonly rate: number;
  /** Answers after which the list stays as it is. */
  readonly until: number;
}

const SCHEDULES: readonly Schedule[] = [
  { name: 'appends', operations: ['append'], rate: 0.5, until: 200 },
  { name: 'deletes', operations: ['delete'], rate: 0.5, until: 20 },
  { name: 'tie shuffles', operations: ['shuffle'], rate: 0.3, until: 20 },
  { name: 'inserts anywhere', operations: ['append', 'backdate'], rate: 0.5, until: 20 },
  {
    name: 'everything',
    operations: ['append', 'backdate', 'delete', 'update', 'shuffle'],
    rate: 0.5,
    until: 20,
  },
];

interface Outcome {
  readonly proven: boolean;
  readonly lost: number;
  readonly doubled: number;
  readonly method: string;
}

async function exportUnder(schedule: Schedule, seed: number, prove: boolean): Promise<Outcome> {
  const random = seededRandom(seed * 7919 + 17);
  const list = new ShiftingList(60 + Math.floor(random() * 300), 1 + random() * 4, seed);
  const apply: Record<Operation, () => void> = {
    append: () => list.insert(false),
    backdate: () => list.insert(true),
    delete: () => list.delete(),
    update: () => list.update(),
    shuffle: () => list.shuffleTies(),
  };
  const change = (): void => {
    if (list.requests > schedule.until || random() >= schedule.rate) return;
    apply[schedule.operations[Math.floor(random() * schedule.operations.length)]]();
  };
  const extraction = new Extraction({
    reader: {
      fetchPage: list.fetcher(change),
      pageSize: 6 + Math.floor(random() * 30),
      readAhead: { windows: 1 + Math.floor(random() * 6), bytes: 1e9 },
      signal: new AbortController().signal,
    },
    idPrefix: '',
    emit: () => {},
    prove,
  });
  const seen = new Map<string, number>();
  for await (const { rows } of extraction.chunks()) {
    for (const id of rows.map(idOf)) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  return {
    proven: extraction.completeness?.proven ?? false,
    method: extraction.completeness?.method ?? '',
    lost: [...list.throughout].filter((id) => !seen.has(id)).length,
    doubled: [...seen.values()].filter((times) => times > 1).length,
  };
}

/** The tests of the model, each over schedules of that many seeds. */
export function testModel(seeds: number): void {
  for (const schedule of SCHEDULES) {
    test(`${schedule.name} during the walk: nothing lost, nothing doubled, proven`, async (t) => {
      const methods = new Map<string, number>();
      for (let seed = 0; seed < seeds; seed++) {
        const outcome = await exportUnder(schedule, seed, true);
        methods.set(outcome.method, (methods.get(outcome.method) ?? 0) + 1);
        assert.deepEqual(
          { ...outcome, method: '' },
          { proven: true, lost: 0, doubled: 0, method: '' },
          `seed ${seed}, ${outcome.method}`,
        );
      }
      t.diagnostic(`${seeds} runs, proven by ${JSON.stringify([...methods])}`);
    });
  }

  test('without the proof, the same schedules lose jobs', async (t) => {
    let lost = 0;
    for (let seed = 0; seed < seeds; seed++)
      lost += (await exportUnder(SCHEDULES[4], seed, false)).lost;
    t.diagnostic(`${lost} jobs lost in ${seeds} runs`);
    assert.ok(lost > 0);
  });

  test('a storm that never ends is proven and right, or not proven; never proven and wrong', async (t) => {
    const storm: Schedule = { ...SCHEDULES[4], rate: 1, until: Number.POSITIVE_INFINITY };
    let unproven = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const { proven, lost, doubled } = await exportUnder(storm, seed, true);
      if (proven) assert.deepEqual({ lost, doubled }, { lost: 0, doubled: 0 }, `seed ${seed}`);
      else unproven++;
    }
    t.diagnostic(`${unproven} of ${seeds} not proven`);
  });
}
