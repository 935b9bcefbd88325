import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { describeColumns, JOB_COLUMNS } from '../../src/jobs/columns.ts';
import { type Compression, FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import { checkFile } from '../../src/load/check.ts';
import { fileName } from '../../src/load/output.ts';
import { Growth } from '../../src/load/reader.ts';
import { checkRemotely } from '../../src/load/thread.ts';
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
  const path = join(folder, fileName('jobs', format, compression));
  await writeFile(path, bytes);
  return path;
}

function checksum(ids: readonly unknown[]): string {
  return createHash('sha256')
    .update(ids.map((id) => `${id}\n`).join(''))
    .digest('hex');
}

/** Parquet and NDJSON know no JSON columns: they are text. */
function described(columns: typeof JOB_COLUMNS, format: Format) {
  return columns.map(({ name, type, required }) => {
    return { name, type: type === 'json' && format === 'parquet' ? 'string' : type, required };
  });
}

describe('reading back', () => {
  for (const [format, compression] of FILES) {
    it(`finds the rows, ids and columns that were written: ${format}, ${compression}`, async () => {
      await fc.assert(
        fc.asyncProperty(tables, cuts, async (table, lengths) => {
          const file = await encode(format, SAMPLE_SCHEMA, slices(table, lengths), compression);
          const path = await saved(format, compression, file);
          assert.deepEqual(await checkFile(path, format, SAMPLE_COLUMNS), {
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
      assert.deepEqual((await checkFile(path, format)).columns, described(JOB_COLUMNS, format));
    }
  });

  it('goes through every row group, record batch and piece of text', async () => {
    const columns = SAMPLE_COLUMNS.filter(({ name }) => name === 'id');
    const schema = arrowSchema(columns);
    const ids = Array.from({ length: 70_001 }, (_, i) => `job ${i}`);
    const batch = batchOf(schema, ids.length, { id: ids });
    for (const format of FORMATS) {
      const path = await saved(format, 'none', await encode(format, schema, [batch], 'none'));
      const { rows, idChecksum } = await checkFile(path, format, columns);
      assert.deepEqual([rows, idChecksum], [70_001, checksum(ids)]);
    }
  });

  it('says that a file cannot be read when it is not there', async () => {
    for (const format of FORMATS) {
      const path = join(folder, 'absent');
      const error = await rejection(checkFile(path, format));
      assert.equal(error.exitCode, 74);
      assert.ok(error.message.includes(path));
    }
  });
});

describe('reading back in a thread', () => {
  it('finds the same', async () => {
    const file = await encode('parquet', JOB_SCHEMA, [jobBatch(0, 100)]);
    const path = await saved('parquet', 'gzip', file);
    assert.deepEqual(
      await checkRemotely(path, 'parquet', describeColumns()),
      await checkFile(path, 'parquet'),
    );
  });

  it('fails the same', async () => {
    const path = await saved('ndjson', 'none', Buffer.from('{"id":1}\n'));
    const [remote, local] = await Promise.all([
      rejection(checkRemotely(path, 'ndjson', describeColumns())),
      rejection(checkFile(path, 'ndjson')),
    ]);
    assert.equal(remote.message, local.message);
    assert.deepEqual([remote.exitCode, remote.stage], [65, 'load']);
  });
});

/** Writes to an empty file piece by piece, and tells its size, while others may read it. */
function written(path: string, bytes: Uint8Array, at: readonly number[]): Growth {
  const growth = new Growth();
  const write = async () => {
    let from = 0;
    for (const to of [...at.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)) {
      await appendFile(path, bytes.subarray(from, to));
      from = to;
      growth.grow(to);
      await setImmediate();
    }
    growth.end();
  };
  void write();
  return growth;
}

describe('reading behind the writer', () => {
  for (const format of ['arrow', 'ndjson'] as const) {
    it(`finds what it finds in the whole file, however it grows: ${format}`, async () => {
      const path = join(folder, `grows.${format}`);
      await fc.assert(
        fc.asyncProperty(tables, fc.array(fc.nat(), { maxLength: 8 }), async (table, at) => {
          const bytes = await encode(format, SAMPLE_SCHEMA, slices(table, [3, 1]));
          fc.pre(bytes.length > 0);
          await writeFile(path, '');
          const found = await checkFile(path, format, SAMPLE_COLUMNS, {
            growth: written(path, bytes, at),
          });
          assert.deepEqual(found, await checkFile(path, format, SAMPLE_COLUMNS));
          assert.equal(found.rows, table.rows);
        }),
        { numRuns: 40 },
      );
    });

    it(`calls a file damaged that ends too early: ${format}`, async () => {
      const path = join(folder, `ends.${format}`);
      const whole = await encode(format, JOB_SCHEMA, [jobBatch(0, 40)]);
      const bytes = whole.subarray(0, whole.length - 100);
      await writeFile(path, '');
      const growth = written(path, bytes, [whole.length >> 1]);
      assert.equal((await rejection(checkFile(path, format, undefined, { growth }))).exitCode, 65);
    });
  }
});
