import { ListModel } from './list-model.ts';
import { type ListAnswer, type ListQuery, Random } from './list-options.ts';
import type { Expected, Schedule } from './schedules.ts';

/** What is judged: it may ask as it likes, and says what it took from the answers. */
export type Exporter = (
  ask: (query: ListQuery) => Promise<ListAnswer>,
  options: { readonly pageSize: number; readonly readAhead: number },
) => Promise<Exported>;

export interface Exported {
  /** The exporter says that no job is missing. */
  readonly proven: boolean;
  /** What proved it, in the exporter's own words. */
  readonly method: string;
  /** The jobs handed on; one twice where it was handed on twice as a new job. */
  readonly ids: readonly string[];
}

export interface Verdict {
  readonly schedule: Schedule;
  readonly proven: boolean;
  readonly method: string;
  /** Jobs that were there throughout, and are not among those handed on. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Answers given, refusals included. */
  readonly requests: number;
  /** Pages of the list at the start of the run, overlapping by one row. */
  readonly windows: number;
}

/**
 * Runs an exporter against the model of a schedule. Requests under way at once are answered in an
 * order of the network's own; the moment of an answer is the one at which it is worked out.
 *
 * @throws Error where the exporter fails, or asks without end
 */
export async function judge(schedule: Schedule, exporter: Exporter): Promise<Verdict> {
  const { seed, pageSize, readAhead, hops } = schedule;
  const model = new ListModel(schedule.model, seed);
  const network = new Random(seed + 1);
  const windows = Math.max(1, Math.ceil(model.length / (pageSize - 1)));
  let requests = 0;
  const travel = async (): Promise<void> => {
    for (let left = network.between(0, hops); left > 0; left -= 1) await undefined;
  };
  const ask = async (query: ListQuery): Promise<ListAnswer> => {
    await travel();
    requests += 1;
    // By the length of now: the list may grow faster than it is read.
    const most = 2_000 + 300 * Math.ceil((model.length + pageSize) / (pageSize - 1));
    if (requests > most) throw new Error(`${requests} requests for ${windows} windows`);
    const answer = model.answer(query);
    await travel();
    return answer;
  };
  const { proven, method, ids } = await exporter(ask, { pageSize, readAhead });
  const found = new Set<string>();
  const doubled = new Set<string>();
  for (const id of ids) (found.has(id) ? doubled : found).add(id);
  return {
    schedule,
    proven,
    method,
    lost: [...model.throughout].filter((id) => !found.has(id)),
    doubled: [...doubled],
    requests,
    windows,
  };
}

/** Called proven, and yet a job is missing or there twice: what must never happen. */
export function isWrong({ proven, lost, doubled }: Verdict): boolean {
  return proven && lost.length + doubled.length > 0;
}

/** The verdicts of one kind of schedule. */
export interface Tally {
  readonly kind: string;
  readonly expected: Expected;
  readonly schedules: number;
  readonly proven: number;
  readonly refused: number;
  readonly wrong: number;
  readonly requests: number;
  readonly windows: number;
  /** As many were proven as expected: all, at least 9 of 10, or none. */
  readonly asExpected: boolean;
}

/** Verdicts counted by kind, in the order in which the kinds first come. */
export function tally(verdicts: Iterable<Verdict>): readonly Tally[] {
  const kinds = new Map<string, Omit<Tally, 'refused' | 'asExpected'>>();
  for (const verdict of verdicts) {
    const { kind, expected } = verdict.schedule;
    const before = kinds.get(kind);
    kinds.set(kind, {
      kind,
      expected,
      schedules: (before?.schedules ?? 0) + 1,
      proven: (before?.proven ?? 0) + (verdict.proven ? 1 : 0),
      wrong: (before?.wrong ?? 0) + (isWrong(verdict) ? 1 : 0),
      requests: (before?.requests ?? 0) + verdict.requests,
      windows: (before?.windows ?? 0) + verdict.windows,
    });
  }
  const bounds = { always: [1, 1], mostly: [0.9, 1], either: [0, 1], never: [0, 0] } as const;
  return [...kinds.values()].map((counts) => {
    const [least, most] = bounds[counts.expected];
    const share = counts.proven / counts.schedules;
    return {
      ...counts,
      refused: counts.schedules - counts.proven,
      asExpected: share >= least && share <= most,
    };
  });
}

/** The tallies as a Markdown table, with a last line for all of them. */
export function table(tallies: readonly Tally[]): string {
  const sum = (of: 'schedules' | 'proven' | 'refused' | 'wrong' | 'requests' | 'windows'): number =>
    tallies.reduce((total, row) => total + row[of], 0);
  const line = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const perWindow = (requests: number, windows: number): string =>
    (requests / Math.max(1, windows)).toFixed(2);
  return [
    line('kind', 'schedules', 'proven', 'refused', 'wrong', 'requests a window', 'expected'),
    line('---', '--:', '--:', '--:', '--:', '--:', '---'),
    ...tallies.map((row) =>
      line(
        row.kind,
        row.schedules,
        row.proven,
        row.refused,
        row.wrong,
        perWindow(row.requests, row.windows),
        `${row.expected}${row.asExpected ? '' : ': NOT MET'}`,
      ),
    ),
    line(
      'all',
      sum('schedules'),
      sum('proven'),
      sum('refused'),
      sum('wrong'),
      perWindow(sum('requests'), sum('windows')),
      '',
    ),
  ].join('\n');
}
