import { DataType, Message, RecordBatchReader, type Schema } from 'apache-arrow';
import { columnTypeOf } from '../domain/column-type.ts';
import type { ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { bytesAt, checkMagic, readAtOnce, withFile } from './read-back-file.ts';
import { IdChecksum } from './read-back-id-checksum.ts';

type File = Parameters<typeof bytesAt>[0];
type Footer = NonNullable<RecordBatchReader['footer']>;
type FileBlock = NonNullable<ReturnType<Footer['getRecordBatch']>>;

/** Continuation marker and length, in front of every message. */
const PREFIX_BYTES = 8;
const CONTINUATION = -1;

/**
 * Reads the footer, and of each record batch its metadata and the ids: a tenth of the file.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */
export function readArrow(path: string): Promise<ReadBack> {
  return withFile(path, async (file, size) => {
    checkMagic(file, size, 'ARROW1');
    const reader = await (await RecordBatchReader.from(readAtOnce(file))).open({
      autoDestroy: false,
    });
    const footer = reader.isFile() ? reader.footer : null;
    if (footer === null) throw new Damage('it is no Arrow file');
    checkFirstColumn(reader.schema);
    const checksum = new IdChecksum();
    for (let i = 0; i < footer.numRecordBatches; i++) {
      addIds(file, blockAt(footer, i, size), checksum);
    }
    const columns = reader.schema.fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field) ?? String(field.type),
      required: !field.nullable,
    }));
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns };
  });
}

/** Its buffers are the first three of a record batch: validity, offsets, values. */
function checkFirstColumn({ fields }: Schema): void {
  if (fields[0]?.name !== 'id' || !DataType.isUtf8(fields[0].type))
    throw new Damage('its first column is no id of text');
}

function blockAt(footer: Footer, index: number, size: number): FileBlock {
  const block = footer.getRecordBatch(index);
  const end = block ? block.offset + block.metaDataLength + block.bodyLength : Number.NaN;
  if (!block || block.offset < 0 || block.metaDataLength <= PREFIX_BYTES || !(end <= size))
    throw new Damage('its footer names a record batch that is not there');
  return block;
}

function addIds(
  file: File,
  { offset, metaDataLength, bodyLength }: FileBlock,
  checksum: IdChecksum,
): void {
  const body = offset + metaDataLength;
  const metadata = bytesAt(file, offset, body);
  const message =
    new Int32Array(metadata.buffer, 0, 1)[0] === CONTINUATION
      ? Message.decode(metadata.subarray(PREFIX_BYTES))
      : undefined;
  if (!message?.isRecordBatch()) throw new Damage('a message of it is no record batch');
  const { length, nodes, buffers, compression } = message.header();
  const [node, [, ofOffsets, ofValues]] = [nodes[0], buffers];
  if (compression !== null) throw new Damage('a record batch is compressed');
  if (node?.length !== length || node.nullCount !== 0) throw new Damage('a row has no id');
  const region = (at: number, bytes: number): Uint8Array<ArrayBuffer> => {
    if (!(at >= 0 && bytes >= 0 && at + bytes <= bodyLength))
      throw new Damage('a column lies outside its record batch');
    return bytesAt(file, body + at, body + at + bytes);
  };
  const offsets = new Int32Array(region(ofOffsets.offset, (length + 1) * 4).buffer);
  const values = region(ofValues.offset, ofValues.length);
  for (let row = 0; row < length; row++) {
    const [from, to] = [offsets[row], offsets[row + 1]];
    if (!(from >= 0 && from <= to && to <= values.length))
      throw new Damage('an id is out of place');
    checksum.add(values.subarray(from, to));
  }
}
