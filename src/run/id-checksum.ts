import { createHash } from 'node:crypto';
import type { RecordBatch } from 'apache-arrow';

const NEWLINE = 0x0a;

/** sha256 over the ids in file order, each followed by a newline: one number that every format must agree on. */
export class IdChecksum {
  readonly #hash = createHash('sha256');

  /** Adds the ids of a batch, straight from the bytes of its `id` column, which has no nulls. */
  add(batch: RecordBatch): void {
    for (const { length, valueOffsets, values } of batch.getChild('id')?.data ?? []) {
      const bytes = new Uint8Array(valueOffsets[length] - valueOffsets[0] + length);
      for (let row = 0, at = 0; row < length; row++) {
        bytes.set(values.subarray(valueOffsets[row], valueOffsets[row + 1]), at);
        at += valueOffsets[row + 1] - valueOffsets[row];
        bytes[at++] = NEWLINE;
      }
      this.#hash.update(bytes);
    }
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
