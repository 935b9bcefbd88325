import type { FixedColumn } from './block-columns.ts';

/** The least and the greatest of the 64-bit integers seen: exact, unlike the library's, and without a bigint a row. */
export class IntegerRange {
  /** Low and high half of the least, then of the greatest; undefined while no value was seen. */
  #range: Int32Array | undefined;

  add(column: FixedColumn): void {
    const { rows, valid, words } = column;
    for (let row = 0; row < rows; row++) {
      if (valid[row] === 0) continue;
      const low = words[row * 2];
      const high = words[row * 2 + 1];
      const range = this.#range ?? Int32Array.of(low, high, low, high);
      this.#range = range;
      if (less(low, high, range[0], range[1])) {
        range[0] = low;
        range[1] = high;
      }
      if (less(range[2], range[3], low, high)) {
        range[2] = low;
        range[3] = high;
      }
    }
  }

  /** As PLAIN encoded values, 8 bytes little-endian; nothing when every row was null. */
  bounds(): { min: Buffer; max: Buffer } | undefined {
    if (this.#range === undefined) return undefined;
    const { buffer } = this.#range;
    return { min: Buffer.from(buffer, 0, 8), max: Buffer.from(buffer, 8, 8) };
  }
}

function less(lowA: number, highA: number, lowB: number, highB: number): boolean {
  return highA === highB ? lowA >>> 0 < lowB >>> 0 : highA < highB;
}
