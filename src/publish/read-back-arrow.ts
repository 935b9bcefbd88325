import { DataType, type RecordBatch, RecordBatchReader } from 'apache-arrow';
import { columnTypeOf } from '../domain/column-type.ts';
import type { ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { checkMagic, readAtOnce, withFile } from './read-back-file.ts';
import { IdChecksum } from './read-back-id-checksum.ts';

/** Reads the footer, and the ids record batch by record batch. */
export function readArrow(path: string): Promise<ReadBack> {
  return withFile(path, async (file, size) => {
    checkMagic(file, size, 'ARROW1');
    const reader = await (await RecordBatchReader.from(readAtOnce(file))).open({
      autoDestroy: false,
    });
    if (!reader.isFile()) throw new Damage('it is no Arrow file');
    const columns = reader.schema.fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field) ?? String(field.type),
      required: !field.nullable,
    }));
    const checksum = new IdChecksum();
    // Not by iteration: that never ends when a message is of another kind than the footer says.
    for (let i = 0; i < reader.numRecordBatches; i++) {
      const batch = await reader.readRecordBatch(i);
      if (batch === null) throw new Damage('its footer names a record batch that is not there');
      addIds(batch, checksum);
    }
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns };
  });
}

function addIds(batch: RecordBatch, checksum: IdChecksum): void {
  const ids = batch.getChild('id');
  if (ids === null || !DataType.isUtf8(ids.type)) throw new Damage('it has no column id of text');
  if (ids.length !== batch.numRows || ids.nullCount > 0) throw new Damage('a row has no id');
  for (const { length, valueOffsets, values } of ids.data) {
    for (let row = 0; row < length; row++) {
      checksum.add(values.subarray(valueOffsets[row], valueOffsets[row + 1]));
    }
  }
}
