import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { Column, ColumnType, FileContents } from '../../src/jobs/columns.ts';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { checkFile } from '../../src/load/check.ts';
import { ExportError } from '../../src/platform/errors.ts';
import { batchOf, jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-back-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function saved(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function column(name: string, type: ColumnType, required = false): Column {
  return { name, type, required, sent: true, description: '' };
}

const FEW = [column('id', 'string', true), column('n', 'int64'), column('at', 'timestamp')];

const FILES: readonly (readonly [Format, Compression, name: string])[] = [
  ['parquet', 'gzip', 'jobs.parquet'],
  ['parquet', 'snappy', 'jobs.parquet'],
  ['arrow', 'none', 'jobs.arrow'],
  ['ndjson', 'none', 'jobs.ndjson'],
  ['ndjson', 'gzip', 'jobs.ndjson.gz'],
];

describe('a damaged file', () => {
  for (const [format, compression, name] of FILES) {
    it(`is told by its name when it is cut off anywhere: ${format}, ${compression}`, async () => {
      const whole = await encode(format, JOB_SCHEMA, [jobBatch(0, 40)], compression);
      const plainText = name.endsWith('.ndjson');
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: whole.length - 2 }), async (length) => {
          // A text that ends with a whole line is a shorter text: the number of rows tells.
          fc.pre(!plainText || (length > 0 && whole[length - 1] !== 0x0a));
          const path = await saved(name, whole.subarray(0, length));
          const error = await rejection(checkFile(path, format));
          assert.equal(error.exitCode, 65);
          assert.equal(error.stage, 'load');
          assert.ok(error.message.startsWith(`${path} is damaged: `), error.message);
        }),
        { numRuns: 60 },
      );
    });

    it(`never fails in another way: ${format}, ${compression}`, async () => {
      const whole = await encode(format, JOB_SCHEMA, [jobBatch(0, 40)], compression);
      await fc.assert(
        fc.asyncProperty(
          fc.integer(flippable(format, whole)),
          fc.integer({ min: 1, max: 255 }),
          async (at, bits) => {
            const flipped = Buffer.from(whole);
            flipped[at] ^= bits;
            const outcome = await outcomeOf(checkFile(await saved(name, flipped), format));
            if (outcome instanceof ExportError) assert.equal(outcome.exitCode, 65);
          },
        ),
        { numRuns: 150 },
      );
    });
  }

  it('is known by its first and last bytes', async () => {
    for (const [format, compression, name] of FILES.slice(0, 3)) {
      const whole = await encode(format, JOB_SCHEMA, [jobBatch(0, 4)], compression);
      for (const at of [0, whole.length - 1]) {
        const flipped = Buffer.from(whole);
        flipped[at] ^= 1;
        const error = await rejection(checkFile(await saved(name, flipped), format));
        assert.match(error.message, /does not (start|end) with (PAR1|ARROW1)/);
      }
    }
  });

  it('is an Arrow file whose footer names other record batches than it has', async () => {
    const whole = await encode('arrow', JOB_SCHEMA, [jobBatch(0, 4)]);
    const ending = whole.length - 10;
    const footer = ending - whole.readInt32LE(ending);
    const offset = recordBatchOffset(whole);
    const named = whole.indexOf(offset, footer);
    assert.ok(named > footer);
    const other = Buffer.from(whole);
    other[named] ^= 8;
    const error = await rejection(checkFile(await saved('jobs.arrow', other), 'arrow'));
    assert.match(error.message, /its footer names other record batches/);
  });

  it('is one without ids', async () => {
    const schema = arrowSchema([column('n', 'int64')]);
    for (const [format, compression, name] of FILES) {
      const file = await encode(format, schema, [batchOf(schema, 1, { n: [1n] })], compression);
      const error = await rejection(
        checkFile(await saved(name, file), format, [column('n', 'int64')]),
      );
      assert.match(error.message, /\bid\b/);
    }
  });
});

describe('a damaged text file', () => {
  const sound = '{"id":"a","n":1,"at":"2021-11-10T15:24:38.172109Z"}\n';
  const secret = 'do-not-tell';

  for (const [why, text, message] of [
    ['other order', '{"n":1,"id":"a","at":null}\n', /line 2 has other columns/],
    ['a column more', '{"id":"a","n":1,"at":null,"more":1}\n', /line 2 has other columns/],
    ['a column less', '{"id":"a","n":1}\n', /line 2 lacks columns/],
    ['text for a number', `{"id":"a","n":"${secret}","at":null}\n`, /line 2 .* value in n/],
    ['a fraction for an integer', '{"id":"a","n":1.5,"at":null}\n', /line 2 .* value in n/],
    ['null for what is required', '{"id":null,"n":1,"at":null}\n', /line 2 .* value in id/],
    ['another time', '{"id":"a","n":1,"at":"2021-11-10"}\n', /line 2 .* value in at/],
    ['half a line', `{"id":"${secret}\n`, /line 2 is no JSON object/],
    ['an empty line', '\n', /line 2 is no JSON object/],
    ['no object', '[1]\n', /line 2 is no JSON object/],
    ['two objects a line', `${sound.trim()}${sound}`, /line 2 is no JSON object/],
    ['no last newline', sound.trim(), /last line is cut off/],
  ] as const) {
    it(`is told by line, without quoting it: ${why}`, async () => {
      const path = await saved('jobs.ndjson', sound + text);
      const error = await rejection(checkFile(path, 'ndjson', FEW));
      assert.equal(error.exitCode, 65);
      assert.match(error.message, message);
      assert.ok(!error.message.includes(secret));
      assert.ok(!String(error.cause).includes(secret));
    });
  }

  it('is one that is not UTF-8', async () => {
    const bytes = Buffer.from(sound.replace('"a"', '"\xff"'), 'latin1');
    const error = await rejection(checkFile(await saved('jobs.ndjson', bytes), 'ndjson', FEW));
    assert.match(error.message, /UTF-8/);
  });

  it('is one with more behind its gzip stream', async () => {
    for (const more of [Buffer.from('more'), Buffer.alloc(10), Buffer.alloc(600_000, 'x')]) {
      const path = await saved('jobs.ndjson.gz', Buffer.concat([gzipSync(sound), more]));
      assert.equal((await rejection(checkFile(path, 'ndjson', FEW))).exitCode, 65);
    }
  });
});

/** Where the first record batch of an Arrow file is, behind the magic string and the schema, as its footer says it. */
function recordBatchOffset(file: Buffer): Buffer {
  const offset = Buffer.alloc(8);
  offset.writeBigInt64LE(BigInt(8 + 8 + file.readInt32LE(12)));
  return offset;
}

/**
 * Where bytes may be flipped without the test itself running out of memory: of an Arrow file only the values. The
 * library believes every count it finds in the schema, in a message or in the footer, and only the memory limit of a
 * thread helps.
 */
function flippable(format: Format, file: Buffer): { min: number; max: number } {
  if (format !== 'arrow') return { min: 0, max: file.length - 1 };
  const ending = file.length - 10;
  return { min: Math.floor(file.length / 3), max: ending - file.readInt32LE(ending) - 1 };
}

async function outcomeOf(reading: Promise<FileContents>): Promise<FileContents | ExportError> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof ExportError) return thrown;
    throw thrown;
  }
}
