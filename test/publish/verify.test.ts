import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import { formatManifest } from '../../src/publish/manifest-file.ts';
import { verifySnapshot } from '../../src/publish/verify.ts';
import { type MemoryFiles, memoryFiles, systemError } from '../support/memory-files.ts';
import { dataFile, published, readBackFrom, sampleManifest, sha256 } from './sample.ts';

const PIPELINE = '/output/jobs';
const RUN_ID = sampleManifest().runId;
const SNAPSHOT = `${PIPELINE}/${RUN_ID}`;
const DATA = dataFile(2, 'ids');
const REJECTS = Buffer.from('{"reason":"a"}\n{"reason":"b"}\n{"reason":"c"}\n');

/** A snapshot of two data files and three rejects, published as `latest`. */
async function snapshot(change: Partial<Manifest> = {}): Promise<MemoryFiles> {
  const files = memoryFiles();
  await makeFolders(files, SNAPSHOT);
  const manifest = sampleManifest({
    rejects: 3,
    files: [
      published('jobs.parquet', 'parquet', 2, DATA),
      published('jobs.ndjson', 'ndjson', 2, DATA),
      published('rejects.ndjson', 'rejects', 3, REJECTS),
    ],
    ...change,
  });
  const put = (name: string, bytes: Uint8Array) =>
    writeNewFile(files, `${SNAPSHOT}/${name}`, bytes, 'publish');
  await put('jobs.parquet', DATA);
  await put('jobs.ndjson', DATA);
  await put('rejects.ndjson', REJECTS);
  await put('manifest.json', Buffer.from(formatManifest(manifest)));
  await files.symlink(RUN_ID, `${PIPELINE}/latest`);
  return files;
}

function verify(files: MemoryFiles, given = SNAPSHOT) {
  return verifySnapshot(given, { files, readBack: readBackFrom(files) });
}

describe('verifying a snapshot', () => {
  for (const given of [SNAPSHOT, PIPELINE]) {
    it(`finds nothing to say against a whole one, given ${given}`, async () => {
      assert.deepEqual(await verify(await snapshot(), given), {
        folder: SNAPSHOT,
        runId: RUN_ID,
        problems: [],
        files: 3,
        rows: 2,
      });
    });
  }

  it('follows a latest that is an absolute path', async () => {
    const files = await snapshot();
    await files.remove(`${PIPELINE}/latest`);
    await files.symlink(SNAPSHOT, `${PIPELINE}/latest`);
    assert.equal((await verify(files, PIPELINE)).folder, SNAPSHOT);
  });

  it('lists every problem, not only the first', async () => {
    const files = await snapshot();
    files.damage(`${SNAPSHOT}/jobs.parquet`, 5);
    await files.remove(`${SNAPSHOT}/jobs.ndjson`);
    await (await files.open(`${SNAPSHOT}/rejects.ndjson`, 'append')).write(Buffer.from('more\n'));
    const { problems } = await verify(files);
    assert.equal(problems.length, 3);
    assert.match(
      problems[0] ?? '',
      /^jobs\.parquet: sha256: \w{64} in the manifest, \w{64} found$/,
    );
    assert.equal(problems[1], 'jobs.ndjson: missing');
    assert.equal(problems[2], 'rejects.ndjson: bytes: 45 in the manifest, 50 found');
  });

  it('says when a file is a folder', async () => {
    const files = await snapshot();
    await files.remove(`${SNAPSHOT}/jobs.ndjson`);
    await files.makeFolder(`${SNAPSHOT}/jobs.ndjson`);
    assert.deepEqual((await verify(files)).problems, [
      'jobs.ndjson: expected a file, found a folder',
    ]);
  });

  const parquet = published('jobs.parquet', 'parquet', 2, DATA);
  const wrong: [string, Partial<Manifest>, RegExp[]][] = [
    ['rows of a file', { files: [{ ...parquet, rows: 3 }] }, [/rows: 3 in the/]],
    ['rows of the snapshot', { rows: 3 }, [/jobs\.parquet: rows: 3/, /jobs\.ndjson: rows: 3/]],
    ['ids', { idChecksum: sha256(REJECTS), files: [parquet] }, [/parquet: ids \(their checksum\)/]],
    [
      'columns',
      { columns: [{ name: 'id', type: 'string', required: true }], files: [parquet] },
      [
        /parquet: columns: id string required in the manifest, id string required, runs int64 found/,
      ],
    ],
    ['number of rejects', { rejects: 2 }, [/rejects\.ndjson: rejects: 2 in the manifest, 3 found/]],
    [
      'rows of the rejects',
      { files: [parquet, published('rejects.ndjson', 'rejects', 2, REJECTS)] },
      [/rejects\.ndjson: rows: 2/],
    ],
    ['files: there are none', { files: [] }, [/manifest\.json names no data file/]],
  ];
  for (const [what, change, expected] of wrong) {
    it(`notices a manifest that is wrong about the ${what}`, async () => {
      const { problems } = await verify(await snapshot(change));
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const [index, pattern] of expected.entries())
        assert.match(problems[index] ?? '', pattern);
    });
  }

  it('says that a file cannot be read, and nothing of what is in it', async () => {
    const files = await snapshot();
    const readBack = async () => {
      throw new SyntaxError('Unexpected token: s3cret');
    };
    const { problems } = await verifySnapshot(SNAPSHOT, { files, readBack });
    assert.deepEqual(problems, [
      'jobs.parquet: is no readable parquet file',
      'jobs.ndjson: is no readable ndjson file',
    ]);
  });

  it('says what the disk said', async () => {
    const files = await snapshot();
    const failing = {
      ...files,
      readChunks: (path: string) => {
        throw systemError('EIO', path);
      },
    };
    const { problems } = await verifySnapshot(SNAPSHOT, {
      files: failing,
      readBack: readBackFrom(files),
    });
    assert.match(
      problems[0] ?? '',
      /^jobs\.parquet: cannot read .*the disk failed \(EIO\).* run again$/,
    );
  });

  for (const given of ['/nowhere', '/output', `${SNAPSHOT}/jobs.parquet`]) {
    it(`fails with 65 when given ${given}`, async () => {
      await assert.rejects(verify(await snapshot(), given), {
        exitCode: 65,
        message: /holds neither a snapshot \(manifest\.json\) nor a link to the latest one/,
      });
    });
  }

  it('fails with 65 when latest names a snapshot that is gone', async () => {
    const files = await snapshot();
    await files.remove(SNAPSHOT);
    await assert.rejects(verify(files, PIPELINE), { exitCode: 65, message: /is no snapshot/ });
  });
});
