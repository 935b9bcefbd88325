import { SLACK_BYTES } from '../json/copy-bytes.ts';
import type { BlockColumn } from './block-columns.ts';
import { grownBytes, type ListColumn } from './block-columns.ts';
import type { PageCodec } from './parquet-codec.ts';
import { levelsBound, writeLevels } from './parquet-levels.ts';
import { pageHeader } from './parquet-page-header.ts';
import type { ParquetColumn } from './parquet-schema.ts';
import { writeBools, writeElements, writeFixed, writeTexts } from './parquet-values.ts';

/** A data page (V1, which every reader knows) as it goes into the file. */
export interface Page {
  /** Header and compressed body. */
  readonly bytes: Uint8Array;
  /** Size of the header and the body before compression. */
  readonly uncompressedBytes: number;
  /** Entries, nulls and empty lists included. */
  readonly values: number;
}

/** Encodes pages one after the other, in one piece of memory that it uses again. */
export class PageEncoder {
  readonly #codec: PageCodec;
  #body = new Uint8Array(0);
  #definitions = new Uint8Array(0);
  #repetitions = new Uint8Array(0);

  constructor(codec: PageCodec) {
    this.#codec = codec;
  }

  encode(values: BlockColumn, { leaf }: ParquetColumn): Page {
    const entries = values.kind === 'list' ? this.#listLevels(values, leaf.dLevelMax) : values.rows;
    const definitions = values.kind === 'list' ? this.#definitions : values.valid;
    this.#body = grownBytes(this.#body, bodyBound(entries, values));

    let end = 0;
    if (leaf.rLevelMax > 0) end = writeLevels(this.#repetitions, entries, 1, this.#body, end);
    if (leaf.dLevelMax > 0) {
      const bitWidth = 32 - Math.clz32(leaf.dLevelMax);
      end = writeLevels(definitions, entries, bitWidth, this.#body, end);
    }
    end = writeValues(values, this.#body, end);
    return this.#page(this.#body.subarray(0, end), entries);
  }

  /** One entry an element, and one a list that has none. Returns how many. */
  #listLevels(list: ListColumn, present: number): number {
    const { rows, offsets, valid, elements } = list;
    const most = rows + elements.rows;
    this.#definitions = grownBytes(this.#definitions, most);
    this.#repetitions = grownBytes(this.#repetitions, most);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      const start = offsets[row];
      const end = valid[row] === 0 ? start : offsets[row + 1];
      if (start === end) {
        this.#repetitions[at] = 0;
        this.#definitions[at++] = valid[row] === 0 ? present - 3 : present - 2;
      }
      for (let i = start; i < end; i++) {
        this.#repetitions[at] = i === start ? 0 : 1;
        this.#definitions[at++] = elements.valid[i] === 0 ? present - 1 : present;
      }
    }
    return at;
  }

  #page(body: Uint8Array, values: number): Page {
    const compressed = this.#codec.compress(body);
    const header = pageHeader(values, body.length, compressed.length);
    const bytes = Buffer.concat([header, compressed]);
    return { bytes, uncompressedBytes: header.length + body.length, values };
  }
}

/** Bytes the body of a page takes at most, before compression. */
function bodyBound(entries: number, values: BlockColumn): number {
  return 2 * levelsBound(entries) + valueBytes(values) + SLACK_BYTES;
}

function valueBytes(values: BlockColumn): number {
  if (values.kind === 'list') return valueBytes(values.elements);
  if (values.kind === 'text') return values.rows * 4 + values.offsets[values.rows];
  return values.rows * 8;
}

function writeValues(values: BlockColumn, target: Uint8Array, start: number): number {
  const view = new DataView(target.buffer);
  switch (values.kind) {
    case 'fixed':
      return writeFixed(values, target, start);
    case 'bool':
      return writeBools(values, target, start);
    case 'text':
      return writeTexts(values, 0, values.rows, view, start);
    case 'list':
      return writeElements(values, view, start);
  }
}
