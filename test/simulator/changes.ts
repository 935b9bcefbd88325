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
  else if (operation === 'insert-batch') insertBatch(store, random);
  else if (store.size > 0) changeAt(store, operation, random.below(store.size), random);
}

function insertBatch(store: JobStore, random: Random): void {
  const first = store.insert();
  const { createdAt, batchId, projectId } = store.keysAt(store.size - 1);
  const size = random.between(2, BATCH);
  for (let rank = 1; rank < size; rank++) {
    store.insert({
      created_at: createdAt,
      batch_id: batchId,
      project_id: projectId,
      parent_id: first,
      creation_order: rank,
    });
  }
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
