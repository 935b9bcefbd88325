import type { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';

/** Longer runs of bytes are copied faster by the runtime. */
const LONG = 128;

/** Appends `source[from]` up to `source[to]`; a short run word by word, as a call into the runtime costs more. */
export function appendRange(target: ByteWriter, source: DataView, from: number, to: number): void {
  if (to - from > LONG) {
    target.appendBytes(new Uint8Array(source.buffer, source.byteOffset + from, to - from));
    return;
  }
  target.ensure(to - from);
  const { view } = target;
  let at = target.index;
  target.index += to - from;
  let i = from;
  for (; i + 4 <= to; i += 4, at += 4) view.setInt32(at, source.getInt32(i, true), true);
  for (; i < to; i++) view.setUint8(at++, source.getUint8(i));
}

type Numbers = Uint8Array | Uint32Array;

/** Numbers that grow at the end: levels, or indices into a dictionary. */
export class GrowingNumbers {
  length = 0;
  values: Numbers;
  readonly #Array: new (
    length: number,
  ) => Numbers;

  /** @param most none is larger */
  constructor(most = 2 ** 32 - 1) {
    this.#Array = most < 256 ? Uint8Array : Uint32Array;
    this.values = new this.#Array(256);
  }

  reserve(more: number): void {
    if (this.length + more <= this.values.length) return;
    const grown = new this.#Array(Math.max(this.length + more, this.values.length * 2));
    grown.set(this.values.subarray(0, this.length));
    this.values = grown;
  }

  push(value: number): void {
    if (this.length === this.values.length) this.reserve(1);
    this.values[this.length++] = value;
  }

  /** The first so many, or all; good until the next change. */
  filled(count = this.length): Numbers {
    return this.values.subarray(0, count);
  }

  /** Takes away the first so many. */
  drop(count: number): void {
    this.values.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Appends the same number so many times. */
  fill(value: number, times: number): void {
    this.reserve(times);
    this.values.fill(value, this.length, this.length + times);
    this.length += times;
  }
}

/** Bits that hold every number from 0 to `most`. */
export function bitWidthOf(most: number): number {
  return 32 - Math.clz32(most);
}

/** Appends levels as a data page V1 wants them: run lengths and packed bits, behind the bytes that these take. */
export function appendLevels(target: ByteWriter, values: Numbers, bitWidth: number): void {
  const start = target.index;
  target.appendUint32(0);
  writeRleBitPackedHybrid(target, values, bitWidth);
  target.view.setUint32(start, target.index - start - 4, true);
}
