import type { Data } from 'apache-arrow';

/** One column of a batch after the other; rows are set in order. */
export interface ColumnBuffer {
  /** The rows since the last call. Their memory is used again: they are good until the next row is set. */
  finish(): Data;
}

/** Which values of a column are null. */
export class Validity {
  readonly #nulls: number[] = [];

  setNull(row: number): void {
    this.#nulls.push(row);
  }

  /** The bitmap of `length` rows, bit i for row i; none while no value is null. Bits behind the last row are zero. */
  finish(length: number): { nullCount: number; nullBitmap?: Uint8Array } {
    const nullCount = this.#nulls.length;
    if (nullCount === 0) return { nullCount };
    const nullBitmap = new Uint8Array(Math.ceil(length / 8)).fill(0xff);
    if ((length & 7) > 0) nullBitmap[nullBitmap.length - 1] = (1 << (length & 7)) - 1;
    for (const row of this.#nulls) nullBitmap[row >> 3] &= ~(1 << (row & 7));
    this.#nulls.length = 0;
    return { nullCount, nullBitmap };
  }
}
