import { createHash } from 'node:crypto';
import {
  type RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  type Schema,
} from 'apache-arrow';
import type { JsonValue } from '../json/checked-json.ts';
import { EXIT, ExportError, type Stage } from './errors.ts';
import type { FileSystem } from './file-system.ts';

/** Behind the end marker of its Arrow stream a part holds, in this order, what the trailer gives the lengths of. */
const MAGIC = Buffer.from('PASQPART');
const HASH_BYTES = 32;
/** Magic, the three lengths as 64-bit integers, and the sha256 of all that stands before it. */
const TRAILER_BYTES = MAGIC.length + 3 * 8 + HASH_BYTES;

/** Continuation marker, and a message of no length. */
const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** One step of a run, durable as a whole: a sorted run of rows, what was set aside, and how to go on behind it. */
export interface Part {
  /** Rows by (`created_at`, UTF-8 bytes of `id`), each id once; may be none. */
  readonly batch: RecordBatch;
  /** NDJSON: what could not be a row. */
  readonly rejects: Uint8Array;
  /** Ids that an earlier part may hold too, or this one twice: every id of which that is so. */
  readonly again: readonly string[];
  /**
   * Rows created before it, microseconds since the epoch, are all in this part or an earlier one, in the normal course;
   * null: nothing is known.
   */
  readonly settled: bigint | null;
  /** The run's own: the position of the walk, the costs so far. */
  readonly state: JsonValue;
}

/** The name of a part in the work folder. */
export function partName(index: number): string {
  return `part-${String(index).padStart(6, '0')}.arrow`;
}

/**
 * Encodes parts of one schema: an Arrow IPC stream, which any Arrow reader opens, then rejects, state and a trailer. A
 * stream, not a file: the footer of a file would repeat the schema, which takes longer to encode than a batch; here it
 * is encoded once.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 */
export class PartEncoder {
  readonly #writer = new MessageWriter();
  readonly #schema: Uint8Array;
  #memory = Buffer.alloc(0);

  constructor(schema: Schema) {
    this.#writer.reset(undefined, schema);
    this.#schema = Buffer.concat(this.#writer.take());
  }

  /**
   * @param part may change afterwards: its bytes are copied
   * @returns bytes that are good until the next call, which uses their memory again
   */
  encode({ batch, rejects, again, settled, state }: Part): Buffer {
    this.#writer.write(batch);
    const stream = [this.#schema, ...this.#writer.take(), END_OF_STREAM];
    const json = Buffer.from(
      JSON.stringify({ again, settled: settled?.toString() ?? null, state }),
    );
    const streamBytes = stream.reduce((sum, { length }) => sum + length, 0);
    const length = streamBytes + rejects.length + json.length + TRAILER_BYTES;
    if (length > this.#memory.length)
      this.#memory = Buffer.allocUnsafeSlow(Math.ceil(length * 1.25));
    const bytes = this.#memory.subarray(0, length);
    let at = 0;
    for (const piece of [...stream, rejects, json, MAGIC]) {
      bytes.set(piece, at);
      at += piece.length;
    }
    for (const part of [streamBytes, rejects.length, json.length])
      at = bytes.writeBigUInt64LE(BigInt(part), at);
    digest(bytes).copy(bytes, at);
    return bytes;
  }
}

/** The library's writer, whose queue can be read only asynchronously and to its end, with its output in hand. */
class MessageWriter extends RecordBatchStreamWriter {
  #chunks: Uint8Array[] = [];

  take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  protected override _write(chunk: ArrayBufferView): this {
    this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this._position += chunk.byteLength;
    return this;
  }
}

/**
 * Reads a part that is known to be whole.
 *
 * @throws ExportError (74) when it was altered since
 */
export async function readPart(files: FileSystem, path: string, stage: Stage): Promise<Part> {
  const part = decodePart(await files.read(path));
  if (part !== undefined) return part;
  throw new ExportError(
    `${path} was altered during the run; run the same command again: what is lost is fetched again`,
    { exitCode: EXIT.io, stage, retryable: true },
  );
}

/** @returns the part, whose values stay where the bytes are; undefined when the bytes are not exactly those of one */
export function decodePart(bytes: Uint8Array): Part | undefined {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = whole.length - TRAILER_BYTES;
  if (end < 0 || !digest(whole).equals(whole.subarray(-HASH_BYTES))) return undefined;
  if (!whole.subarray(end, end + MAGIC.length).equals(MAGIC)) return undefined;
  const length = (at: number) => Number(whole.readBigUInt64LE(end + MAGIC.length + at * 8));
  const behindStream = length(0);
  const behindRejects = behindStream + length(1);
  const { again, settled, state } = JSON.parse(whole.toString('utf8', behindRejects, end));
  const [batch] = RecordBatchReader.from(bytes.subarray(0, behindStream));
  if (batch === undefined) return undefined;
  const rejects = bytes.subarray(behindStream, behindRejects);
  return { batch, rejects, again, settled: settled === null ? null : BigInt(settled), state };
}

function digest(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(0, -HASH_BYTES)).digest();
}
