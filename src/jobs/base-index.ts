/**
 * The keys of every row of a published data file, in its order: by `created_at`, then the UTF-8 bytes of `id`. All of it
 * lies in shared memory, so that another thread has it without a copy.
 */
export interface BaseIndex {
  readonly rows: number;
  /** Microseconds since the epoch. */
  readonly created: BigInt64Array;
  /** 1 where the status was final. */
  readonly isFinal: Uint8Array;
  /** All ids, UTF-8, one behind the other. */
  readonly ids: Uint8Array;
  /** Where each id begins, and the last ends: one more than there are rows. */
  readonly idOffsets: Uint32Array;
}
