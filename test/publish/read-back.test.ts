import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { type ColumnType, JOB_COLUMNS } from '../../src/jobs/columns.ts';
import { type Compression, FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import { LOADERS } from '../../src/load/index.ts';
import { readBack } from '../../src/publish/read-back.ts';
import { readBackRemotely } from '../../src/publish/read-back-remote.ts';
import {
  cuts,
  SAMPLE_COLUMNS,
  SAMPLE_SCHEMA,
  slices,
  tables,
} from '../support/arbitrary-batches.ts';
import { batchOf, jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

const FILES: readonly (readonly [Format, Compression])[] = [
  ['parquet', 'gzip'],
  ['parquet', 'snappy'],
  ['parquet', 'none'],
  ['arrow', 'none'],
  ['ndjson', 'none'],
  ['ndjson', 'gzip'],
];

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-back-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function saved(format: Format, compression: Compression, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `jobs${LOADERS[format].extension(compression)}`);
  await writeFile(path, bytes);
  return path;
}

function checksum(ids: readonly unknown[]): string {
  return createHash('sha256')
    .update(ids.map((id) => `${id}\n`).join(''))
    .digest('hex');
}

/** A Parquet file does not tell a text that holds JSON from any other. */
function described(columns: typeof JOB_COLUMNS, format: Format) {
  const found = (type: ColumnType) => (format === 'parquet' && type === 'json' ? 'string' : type);
  return columns.map(({ name, type, required }) => ({ name, type: found(type), required }));
}

describe('reading back', () => {
  for (const [format, compression] of FILES) {
    it(`finds the rows, ids and columns that were written: ${format}, ${compression}`, async () => {
      await fc.assert(
        fc.asyncProperty(tables, cuts, async (table, lengths) => {
          const file = await encode(format, SAMPLE_SCHEMA, slices(table, lengths), compression);
          const path = await saved(format, compression, file);
          assert.deepEqual(await readBack(path, format, SAMPLE_COLUMNS), {
            rows: table.rows,
            idChecksum: checksum(table.values.id ?? []),
            columns: described(SAMPLE_COLUMNS, format),
          });
        }),
        { numRuns: 25 },
      );
    });
  }

  it('finds the columns of a job when none are given', async () => {
    for (const format of FORMATS) {
      const path = await saved(format, 'none', await encode(format, JOB_SCHEMA, [jobBatch(0, 30)]));
      assert.deepEqual((await readBack(path, format)).columns, described(JOB_COLUMNS, format));
    }
  });

  it('goes through every row group, record batch and piece of text', async () => {
    const columns = SAMPLE_COLUMNS.filter(({ name }) => name === 'id');
    const schema = arrowSchema(columns);
    const ids = Array.from({ length: 70_001 }, (_, i) => `job ${i}`);
    const batch = batchOf(schema, ids.length, { id: ids });
    for (const format of FORMATS) {
      const path = await saved(format, 'none', await encode(format, schema, [batch], 'none'));
      const { rows, idChecksum } = await readBack(path, format, columns);
      assert.deepEqual([rows, idChecksum], [70_001, checksum(ids)]);
    }
  });

  it('says that a file cannot be read when it is not there', async () => {
    for (const format of FORMATS) {
      const path = join(folder, 'absent');
      const error = await rejection(readBack(path, format));
      assert.equal(error.exitCode, 74);
      assert.ok(error.message.includes(path));
    }
  });
});

describe('reading back in a thread', () => {
  it('finds the same', async () => {
    const file = await encode('parquet', JOB_SCHEMA, [jobBatch(0, 100)]);
    const path = await saved('parquet', 'gzip', file);
    assert.deepEqual(await readBackRemotely(path, 'parquet'), await readBack(path, 'parquet'));
  });

  it('fails the same', async () => {
    const path = await saved('ndjson', 'none', Buffer.from('{"id":1}\n'));
    const [remote, local] = await Promise.all([
      rejection(readBackRemotely(path, 'ndjson')),
      rejection(readBack(path, 'ndjson')),
    ]);
    assert.equal(remote.message, local.message);
    assert.deepEqual([remote.exitCode, remote.stage], [65, 'publish']);
  });
});
