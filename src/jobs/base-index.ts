import type { IdMemory } from './id-index.ts';

/**
 * The keys of every row of a snapshot that a run goes on from, in file order: by `created_at`, then by the UTF-8 bytes
 * of `id`. Its arrays are views of shared memory, so that another thread takes them without a copy.
 */
export interface BaseIndex {
  readonly rows: number;
  /** Microseconds since the epoch. */
  readonly created: BigInt64Array;
  /** 1 where the status was final. */
  readonly isFinal: Uint8Array;
  readonly ids: IdMemory;
}
