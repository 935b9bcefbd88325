import { DataType, Message, RecordBatchReader } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import type { FileContents, FoundColumn } from '../jobs/file-contents.ts';
import {
  type CheckOptions,
  checkEnd,
  checkStart,
  Damage,
  GrowingFile,
  IdChecksum,
  readAtOnce,
  withFile,
} from './check-file.ts';

type Footer = NonNullable<RecordBatchReader['footer']>;
type FileBlock = NonNullable<ReturnType<Footer['getRecordBatch']>>;

/** A message in a file: where it starts, and how long its metadata (prefix included) and its body are. */
type Block = Pick<FileBlock, 'offset' | 'metaDataLength' | 'bodyLength'>;

const MAGIC = 'ARROW1';
/** The magic string and padding. */
const HEAD_BYTES = 8;
/** Continuation marker and length, in front of every message. */
const PREFIX_BYTES = 8;
const CONTINUATION = -1;

/**
 * Reads the metadata of every message, and the ids: a tenth of the file. Between its magic strings it is a stream, which
 * can be read behind its writer; its footer must then name the record batches that the stream had.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */
export function readArrow(
  path: string,
  _columns: readonly FoundColumn[],
  { sizes, behind }: CheckOptions = {},
): Promise<FileContents> {
  return withFile(path, async (handle, size) => {
    const file = new GrowingFile(handle, sizes ?? [size]);
    if (!(await file.reaches(HEAD_BYTES))) throw new Damage('it is too short');
    checkStart(handle, MAGIC);
    const checksum = behind?.ids.copy() ?? new IdChecksum();
    const blocks = await readStream(file, checksum, behind?.byte);
    checkEnd(handle, await file.whole(), MAGIC);
    const reader = await (await RecordBatchReader.from(readAtOnce(handle))).open({
      autoDestroy: false,
    });
    checkFooter(reader.isFile() ? reader.footer : null, blocks);
    const columns = reader.schema.fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field) ?? String(field.type),
      required: !field.nullable,
    }));
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns };
  });
}

/** @returns where the record batches are */
async function readStream(file: GrowingFile, checksum: IdChecksum, start = 0): Promise<Block[]> {
  const batches: Block[] = [];
  let before = 0;
  for (let offset = HEAD_BYTES; ; ) {
    const prefix = await file.bytesAt(offset, offset + PREFIX_BYTES);
    const [marker, length] = new Int32Array(prefix.buffer);
    if (marker !== CONTINUATION || length < 0) throw new Damage('a message of it has no length');
    if (length === 0) return batches;
    const metaDataLength = PREFIX_BYTES + length;
    const body = offset + metaDataLength;
    const message = Message.decode(await file.bytesAt(offset + PREFIX_BYTES, body));
    const { bodyLength } = message;
    if (!(bodyLength >= 0)) throw new Damage('a message of it has no length');
    if (offset === HEAD_BYTES) before = columnsBeforeId(message);
    else {
      if (offset >= start) await addIds(file, message, body, before, checksum);
      batches.push({ offset, metaDataLength, bodyLength });
    }
    offset = body + bodyLength;
  }
}

/** Before the ids there are only columns of text: each has three buffers in a record batch, validity, offsets, values. */
function columnsBeforeId(message: Message): number {
  if (!message.isSchema()) throw new Damage('it does not start with a schema');
  const { fields } = message.header();
  const before = fields.findIndex(({ name }) => name === 'id');
  if (before < 0 || !fields.slice(0, before + 1).every(({ type }) => DataType.isUtf8(type)))
    throw new Damage('its first columns are no texts with an id');
  return before;
}

async function addIds(
  file: GrowingFile,
  message: Message,
  body: number,
  columnsBefore: number,
  checksum: IdChecksum,
): Promise<void> {
  if (!message.isRecordBatch()) throw new Damage('a message of it is no record batch');
  const { bodyLength } = message;
  const { length, nodes, buffers, compression } = message.header();
  const node = nodes[columnsBefore];
  const [, ofOffsets, ofValues] = buffers.slice(3 * columnsBefore);
  if (compression !== null) throw new Damage('a record batch is compressed');
  if (node?.length !== length || node.nullCount !== 0) throw new Damage('a row has no id');
  const region = (at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (!(at >= 0 && bytes >= 0 && at + bytes <= bodyLength))
      throw new Damage('a column lies outside its record batch');
    return file.bytesAt(body + at, body + at + bytes);
  };
  const offsets = new Int32Array((await region(ofOffsets.offset, (length + 1) * 4)).buffer);
  const values = await region(ofValues.offset, ofValues.length);
  for (let row = 0; row < length; row++) {
    const from = offsets[row];
    const to = offsets[row + 1];
    if (!(from >= 0 && from <= to && to <= values.length))
      throw new Damage('an id is out of place');
    checksum.add(values.subarray(from, to));
  }
}

function checkFooter(footer: Footer | null, batches: readonly Block[]): void {
  if (footer === null) throw new Damage('it is no Arrow file');
  const isNamed = ({ offset, metaDataLength, bodyLength }: Block, at: number): boolean => {
    const block = footer.getRecordBatch(at);
    return (
      block?.offset === offset &&
      block.metaDataLength === metaDataLength &&
      block.bodyLength === bodyLength
    );
  };
  if (footer.numRecordBatches !== batches.length || !batches.every(isNamed))
    throw new Damage('its footer names other record batches than it has');
}
