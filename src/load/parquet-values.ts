import { copyBytes } from '../json/bytes.ts';
import type { BoolColumn, FixedColumn, ListColumn, TextColumn } from './block-columns.ts';

/** Writes the values that are not null, PLAIN encoded; returns the position after them. */
export function writeFixed(column: FixedColumn, target: Uint8Array, start: number): number {
  const { rows, nulls, valid, bytes } = column;
  if (nulls === 0) {
    target.set(bytes.subarray(0, rows * 8), start);
    return start + rows * 8;
  }
  let at = start;
  for (let row = 0; row < rows; row++) {
    if (valid[row] === 0) continue;
    for (let i = row * 8; i < row * 8 + 8; i++) target[at++] = bytes[i];
  }
  return at;
}

/** Eight booleans a byte, least significant bit first. */
export function writeBools(column: BoolColumn, target: Uint8Array, start: number): number {
  const { rows, nulls, valid, values } = column;
  const end = start + ((rows - nulls + 7) >> 3);
  target.fill(0, start, end);
  let bit = start * 8;
  for (let row = 0; row < rows; row++) {
    if (valid[row] === 0) continue;
    if (values[row] === 1) target[bit >> 3] = target[bit >> 3] | (1 << (bit & 7));
    bit++;
  }
  return end;
}

/** Each string as its length, four bytes little-endian, and its bytes. Rows `from` to `to`. */
export function writeTexts(
  column: TextColumn,
  from: number,
  to: number,
  target: DataView,
  start: number,
): number {
  const { valid, offsets, view } = column;
  let at = start;
  for (let row = from; row < to; row++) {
    if (valid[row] === 0) continue;
    const first = offsets[row];
    const end = offsets[row + 1];
    target.setInt32(at, end - first, true);
    copyBytes(view, first, end, target, at + 4);
    at += 4 + end - first;
  }
  return at;
}

/** The elements of every list that is not null. */
export function writeElements(column: ListColumn, target: DataView, start: number): number {
  let at = start;
  for (let row = 0; row < column.rows; row++) {
    if (column.valid[row] === 0) continue;
    at = writeTexts(column.elements, column.offsets[row], column.offsets[row + 1], target, at);
  }
  return at;
}
