import { HOUR, SECOND } from './calendar.ts';
import type { JobFields } from './members.ts';
import type { JobStore } from './store.ts';
import { Random } from './values.ts';

/**
 * Ways the list changes under a reader: `insert` a newest job, `insert-batch` up to 40 newest jobs that tie,
 * `backdate` a job anywhere, `delete` one, `delete-batch` all jobs of one instant, `update` one (status and
 * `updated_at`), `shuffle` one group of ties.
 */
export const DRIFT_OPERATIONS = [
  'insert',
  'insert-batch',
  'backdate',
  'delete',
  'delete-batch',
  'update',
  'shuffle',
] as const;
export type DriftOperation = (typeof DRIFT_OPERATIONS)[number];

export interface DriftOptions {
  /** Pages between two changes of the list. */
  readonly every: number;
  /** How often an operation comes up beside the others. Default: each as often as any other. */
  readonly operations?: Readonly<Partial<Record<DriftOperation, number>>>;
  /** Operations made each time. Default 1. */
  readonly burst?: number;
  /** Default 1. */
  readonly seed?: number;
}

const BATCH = 40;
const NEXT_STATUS = ['RUNNING', 'DONE', 'ERROR', 'CANCELED'] as const;

/**
 * Lets a store drift: the same seed makes the same changes after the same pages.
 *
 * @returns what to call once after each page
 */
export function createDrift(store: JobStore, options: DriftOptions): () => void {
  const { every, operations, burst = 1, seed = 1 } = options;
  const random = new Random(seed, 7);
  const weights = DRIFT_OPERATIONS.map((name) => (operations ? (operations[name] ?? 0) : 1));
  let pages = 0;
  return () => {
    pages += 1;
    if (pages % every !== 0) return;
    for (let i = 0; i < burst; i++) {
      change(store, DRIFT_OPERATIONS[random.weighted(weights)], random);
    }
  };
}

/** Makes one change. On an empty list only the inserts do anything. */
export function change(store: JobStore, operation: DriftOperation, random: Random): void {
  if (operation === 'insert') store.insert();
  else if (operation === 'insert-batch') {
    insertBatch(store, random.between(2, BATCH), () => ({}));
  } else if (store.size > 0) changeAt(store, operation, random.below(store.size), random);
}

/** @returns the ids of newest jobs that tie, as many as `size` */
function insertBatch(
  store: JobStore,
  size: number,
  fieldsOf: (createdAt: number) => JobFields,
): string[] {
  const first = store.insert();
  const { createdAt, batchId, projectId } = store.keysOf(first);
  const ids = [first];
  for (let rank = 1; rank < size; rank++) {
    ids.push(
      store.insert({
        ...fieldsOf(createdAt),
        created_at: createdAt,
        batch_id: batchId,
        project_id: projectId,
        parent_id: first,
        creation_order: rank,
      }),
    );
  }
  return ids;
}

function changeAt(
  store: JobStore,
  operation: Exclude<DriftOperation, 'insert' | 'insert-batch'>,
  position: number,
  random: Random,
): void {
  const { idText, createdAt } = store.keysAt(position);
  switch (operation) {
    case 'backdate':
      store.insert({ created_at: createdAt + random.pick([-1, 0, 1]) });
      break;
    case 'delete':
      store.delete(idText);
      break;
    case 'delete-batch':
      for (const id of store.tiesAround(position)) store.delete(id);
      break;
    case 'update':
      store.update(idText, { status: random.pick(NEXT_STATUS), progress: random.below(101) });
      break;
    case 'shuffle':
      store.shuffleTies(position);
      break;
  }
}

/** What happens to a list between two exports. Counts that are more than there are jobs for take what there is. */
export interface Night {
  /** Open jobs that end, the longest waiting first. Default none. */
  readonly finished?: number | 'all';
  /** Ended jobs that change behind the back, `updated_at` as it was: so many, or those of these ids. Default none. */
  readonly altered?: number | readonly string[];
  /** So many that nothing else happened to, or those of these ids. Default none. */
  readonly deleted?: number | readonly string[];
  /** New jobs created at the instant of some older one or a microsecond before. Default none. */
  readonly backdated?: number;
  /** Newest jobs, in batches that tie; most have ended. Default none. */
  readonly added?: number;
}

/** Ids by what happened to the jobs. */
export type NightChanges = { readonly [Change in keyof Required<Night>]: readonly string[] };

const OPEN = ['PENDING', 'RUNNING'];
const ENDED = ['DONE', 'ERROR', 'CANCELED'];

/**
 * Changes a list as a night does. The same list, night and state of `random` give the same changes.
 *
 * @throws SimulatorError when no job has a given id
 */
export function passNight(store: JobStore, night: Night, random: Random): NightChanges {
  const { finished: ending = 0, altered = 0, deleted = 0, backdated = 0, added = 0 } = night;
  const open = store.idsWhere({ status: OPEN });
  const finished = open.slice(0, ending === 'all' ? open.length : ending);
  const changed = chosen(altered, () => store.idsWhere({ status: ENDED }), random);
  const touched = new Set([...finished, ...changed]);
  const gone = chosen(deleted, () => store.ids().filter((id) => !touched.has(id)), random);
  for (const id of finished) {
    const { startedAt } = store.keysOf(id);
    store.update(id, outcome(startedAt ?? store.latest + random.below(HOUR), store.latest, random));
  }
  for (const id of changed) {
    const { updatedAt, runs } = store.keysOf(id);
    const variables = { omega: random.below(16_000) / 1000, altered: true };
    store.update(id, { runs: (runs ?? 0) + 1, variables, updated_at: updatedAt });
  }
  for (const id of gone) store.delete(id);
  return {
    finished,
    altered: changed,
    deleted: gone,
    backdated: backdate(store, backdated, random),
    added: add(store, added, random),
  };
}

function chosen(
  wanted: number | readonly string[],
  candidates: () => string[],
  random: Random,
): readonly string[] {
  if (typeof wanted !== 'number') return wanted;
  return wanted === 0 ? [] : random.shuffle(candidates()).slice(0, wanted);
}

/** How a job that started then ended, which it had not `until` then. */
function outcome(startedAt: number, until: number, random: Random): JobFields {
  const endedAt = Math.max(startedAt, until) + SECOND + random.below(HOUR / 6);
  const status = ENDED[random.weighted([85, 9, 6])];
  return {
    status,
    start_timestamp: startedAt,
    end_timestamp: endedAt,
    updated_at: endedAt,
    progress: status === 'DONE' ? 100 : random.below(100),
    errors: status === 'ERROR' ? [`Node gpu-${random.below(24)} did not answer within 60 s`] : null,
  };
}

function add(store: JobStore, count: number, random: Random): string[] {
  const ids: string[] = [];
  while (ids.length < count) {
    const size = Math.min(count - ids.length, random.between(1, BATCH));
    const fieldsOf = (createdAt: number): JobFields => {
      if (random.chance(0.1)) return {};
      return outcome(createdAt + random.below(HOUR), createdAt, random);
    };
    ids.push(...insertBatch(store, size, fieldsOf));
  }
  return ids;
}

/** None on an empty list, which has no older job. */
function backdate(store: JobStore, count: number, random: Random): string[] {
  const positions =
    store.size === 0 ? [] : Array.from({ length: count }, () => random.below(store.size));
  return positions.map((position) => {
    const { createdAt } = store.keysAt(position);
    return store.insert({ created_at: createdAt - random.below(2) });
  });
}
