import { runExport } from '../../src/index.ts';
import { type JobStore, passNight, Random, startSimulator } from '../simulator/index.ts';
import { exportOptions } from './exports.ts';

/** A job that a night brought, changed or took away, known from the list itself. */
export interface Change {
  readonly run: string;
  readonly change: 'created' | 'updated' | 'deleted';
  readonly id: string;
  readonly previous_status: string | null;
  readonly status: string;
}

/** What five nights came to, computed from the list and not from the files. */
export interface Nights {
  /** The folder of the pipeline. */
  readonly folder: string;
  readonly changes: readonly Change[];
  /** Jobs by run and status, `run status` as the key. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** Exports a list on five nights, between which it changes, incrementally behind the first. */
export async function fiveNights(output: string): Promise<Nights> {
  const api = await startSimulator({ jobs: 600, seed: 11 });
  const changes: Change[] = [];
  const statuses: Record<string, number> = {};
  let before: ReadonlyMap<string, string> | undefined;
  try {
    for (let night = 0; night < 5; night++) {
      const happened = { finished: 12, deleted: 2, added: 30 };
      if (before) passNight(api.jobs, happened, new Random(night));
      const wall = Math.ceil(api.jobs.latest / 1000) + night * 86_400_000;
      const clock = { wall: () => wall, monotonic: () => performance.now(), sleep: async () => {} };
      const options = { ...exportOptions(api.url, output), incremental: true };
      const { manifest } = await runExport(options, { clock });
      const run = manifest.runId;
      const now = statusesOf(api.jobs);
      for (const status of now.values())
        statuses[`${run} ${status}`] = (statuses[`${run} ${status}`] ?? 0) + 1;
      if (before !== undefined) changes.push(...difference(run, before, now));
      before = now;
    }
  } finally {
    await api.close();
  }
  return { folder: `${output}/jobs`, changes, statuses };
}

function statusesOf(store: JobStore): Map<string, string> {
  return new Map(store.ids().map((id) => [id, JSON.parse(store.get(id) ?? '').status]));
}

/** A job of these nights changes only together with its status. */
function difference(
  run: string,
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): Change[] {
  const changes: Change[] = [];
  for (const [id, status] of now) {
    const previous = before.get(id);
    const rest = { run, id, previous_status: previous ?? null, status };
    if (previous === undefined) changes.push({ change: 'created', ...rest });
    else if (previous !== status) changes.push({ change: 'updated', ...rest });
  }
  for (const [id, status] of before)
    if (!now.has(id)) changes.push({ change: 'deleted', run, id, previous_status: status, status });
  return changes;
}

const [, script = '', output] = process.argv;
if (script.endsWith('five-nights.ts') && output !== undefined)
  console.log(JSON.stringify(await fiveNights(output)));
