import { writeVarint } from './varint.ts';

/** A run shorter than this takes less room bit-packed. */
const SHORTEST_RUN = 8;

/** Bytes that `writeLevels` writes at most, for any levels. */
export function levelsBound(count: number): number {
  return count + 16;
}

/**
 * Writes definition or repetition levels in Parquet's RLE/bit-packing hybrid, with their length in front as data page
 * V1 wants it.
 *
 * @param levels one level a byte, each less than 2 ** bitWidth
 * @returns the position after the last byte written
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function writeLevels(
  levels: Uint8Array,
  count: number,
  bitWidth: number,
  target: Uint8Array,
  start: number,
): number {
  let at = start + 4;
  let from = 0;
  while (from < count) {
    const end = runEnd(levels, from, count);
    if (end - from >= SHORTEST_RUN || end === count) {
      at = writeVarint((end - from) * 2, target, at);
      target[at++] = levels[from];
      from = end;
    } else {
      const to = packedEnd(levels, from, count);
      at = writeVarint(Math.ceil((to - from) / 8) * 2 + 1, target, at);
      at = writePacked(levels, from, to, bitWidth, target, at);
      from = to;
    }
  }
  new DataView(target.buffer, target.byteOffset).setUint32(start, at - start - 4, true);
  return at;
}

function runEnd(levels: Uint8Array, from: number, count: number): number {
  const level = levels[from];
  let end = from + 1;
  while (end < count && levels[end] === level) end++;
  return end;
}

/** The first whole group of eight after which a run is worth its own header. */
function packedEnd(levels: Uint8Array, from: number, count: number): number {
  let end = from + 8;
  while (end < count && runEnd(levels, end, count) - end < SHORTEST_RUN) end += 8;
  return Math.min(end, count);
}

/** Eight levels take `bitWidth` bytes, least significant bit first; the last group is filled up with zeros. */
function writePacked(
  levels: Uint8Array,
  from: number,
  to: number,
  bitWidth: number,
  target: Uint8Array,
  start: number,
): number {
  let at = start;
  for (let group = from; group < to; group += 8) {
    let bits = 0;
    for (let i = Math.min(group + 8, to) - 1; i >= group; i--)
      bits = (bits << bitWidth) | levels[i];
    for (let i = 0; i < bitWidth; i++) {
      target[at++] = bits & 0xff;
      bits >>>= 8;
    }
  }
  return at;
}
