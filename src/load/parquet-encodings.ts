/** A run shorter than this takes less room bit-packed. */
const SHORTEST_RUN = 8;

/** Longer runs of bytes are copied faster by the runtime. */
const LONG = 128;

/** Bytes that grow at the end and whose memory is used again. */
export class GrowingBytes {
  length = 0;
  bytes = new Uint8Array(1024);
  view = new DataView(this.bytes.buffer);

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + more, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  append(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** Appends `source[from]` up to `source[to]`; a short run word by word, as a call into the runtime costs more. */
  appendRange(source: DataView, from: number, to: number): void {
    this.reserve(to - from);
    let at = this.length;
    this.length += to - from;
    if (to - from > LONG) {
      this.bytes.set(new Uint8Array(source.buffer, source.byteOffset + from, to - from), at);
      return;
    }
    let i = from;
    for (; i + 4 <= to; i += 4, at += 4) this.view.setInt32(at, source.getInt32(i, true), true);
    for (; i < to; i++) this.bytes[at++] = source.getUint8(i);
  }

  appendByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  appendInt32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value, true);
    this.length += 4;
  }

  /** A whole number from 0 to 2 ** 53 - 1 as unsigned LEB128. */
  appendVarint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.appendByte((rest % 0x80) | 0x80);
    this.appendByte(rest);
  }

  filled(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
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

/**
 * Appends numbers in Parquet's RLE/bit-packing hybrid, without a length in front.
 *
 * @param values each less than 2 ** bitWidth
 * @param bitWidth 1 to 24
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function appendHybrid(target: GrowingBytes, values: Numbers, bitWidth: number): void {
  for (let start = 0; start < values.length; ) {
    const end = runEnd(values, start, values.length);
    if (end - start >= SHORTEST_RUN || end === values.length) {
      target.appendVarint((end - start) * 2);
      for (let shift = 0; shift < bitWidth; shift += 8)
        target.appendByte((values[start] >>> shift) & 0xff);
      start = end;
    } else {
      const packed = values.subarray(start, packedEnd(values, start));
      target.appendVarint(Math.ceil(packed.length / 8) * 2 + 1);
      appendPacked(target, packed, bitWidth);
      start += packed.length;
    }
  }
}

/** Appends levels as a data page V1 wants them: the hybrid behind its length. */
export function appendLevels(target: GrowingBytes, values: Numbers, bitWidth: number): void {
  const start = target.length;
  target.appendInt32(0);
  appendHybrid(target, values, bitWidth);
  target.view.setInt32(start, target.length - start - 4, true);
}

/** Appends numbers of `bitWidth` bits, least significant bit first, filled up with zeros to whole groups of eight. */
export function appendPacked(target: GrowingBytes, values: Numbers, bitWidth: number): void {
  const size = Math.ceil(values.length / 8) * bitWidth;
  target.reserve(size);
  const { bytes } = target;
  const end = target.length + size;
  let at = target.length;
  let bits = 0;
  let held = 0;
  for (const value of values) {
    bits |= value << held;
    for (held += bitWidth; held >= 8; held -= 8) {
      bytes[at++] = bits & 0xff;
      bits >>>= 8;
    }
  }
  if (held > 0) bytes[at++] = bits;
  bytes.fill(0, at, end);
  target.length = end;
}

function runEnd(values: Numbers, from: number, to: number): number {
  let end = from + 1;
  while (end < to && values[end] === values[from]) end++;
  return end;
}

/** The first whole group of eight after which a run is worth its own header. */
function packedEnd(values: Numbers, from: number): number {
  const isRun = (start: number) =>
    runEnd(values, start, Math.min(values.length, start + SHORTEST_RUN)) === start + SHORTEST_RUN;
  let end = from + 8;
  while (end < values.length && !isRun(end)) end += 8;
  return Math.min(end, values.length);
}
