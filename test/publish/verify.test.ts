import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHANGE_COLUMNS } from '../../src/jobs/columns.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import { formatManifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import { verifySnapshot } from '../../src/publish/verify.ts';
import { type MemoryFiles, memoryFiles, systemError } from '../support/memory-files.ts';
import { dataFile, published, readBackFrom, sampleManifest, sha256 } from './sample.ts';

const PIPELINE = '/output/jobs';
const RUN_ID = sampleManifest().runId;
const SNAPSHOT = `${PIPELINE}/run=${RUN_ID}`;
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
  const contents = { 'jobs.parquet': DATA, 'jobs.ndjson': DATA, 'rejects.ndjson': REJECTS };
  for (const [name, bytes] of Object.entries(contents)) {
    if (manifest.files.some((file) => file.name === name)) await put(name, bytes);
  }
  await put('manifest.json', formatManifest(manifest));
  await files.symlink(`run=${RUN_ID}`, `${PIPELINE}/latest`);
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

  it('names files that are not in the manifest', async () => {
    const files = await snapshot();
    await files.makeFolder(`${SNAPSHOT}/more`);
    await writeNewFile(files, `${SNAPSHOT}/notes.txt`, Buffer.from('x'), 'publish');
    assert.deepEqual((await verify(files)).problems, [
      'more: not in the manifest',
      'notes.txt: not in the manifest',
    ]);
  });

  async function withText(
    change: (text: string) => string,
    given = SNAPSHOT,
  ): Promise<MemoryFiles> {
    const files = await snapshot();
    if (given !== SNAPSHOT) await files.rename(SNAPSHOT, given);
    const path = `${given}/manifest.json`;
    const text = change(Buffer.from(await files.read(path)).toString());
    await files.remove(path);
    await writeNewFile(files, path, Buffer.from(text), 'publish');
    return files;
  }

  it('says that a manifest was edited though all files are as it says', async () => {
    const files = await withText((text) => text.replace('"proven": true', '"proven": false'));
    assert.deepEqual((await verify(files)).problems, [
      'manifest.json: it was edited, its checksum is not that of its content',
    ]);
  });

  it('misses the checksum of a manifest, but for a snapshot of an older version', async () => {
    const without = (text: string) => text.replace(/,\s*"checksum": "\w+"/, '');
    assert.deepEqual((await verify(await withText(without))).problems, [
      'manifest.json: its checksum is missing',
    ]);
    const older = `${PIPELINE}/${RUN_ID}`;
    assert.deepEqual((await verify(await withText(without, older), older)).problems, []);
  });

  it('checks files of kinds it cannot read by size and hash', async () => {
    const sql = Buffer.from('SELECT 1');
    const change = [
      published('jobs.parquet', 'parquet', 2, DATA),
      published('jobs.ndjson', 'ndjson', 2, DATA),
      published('rejects.ndjson', 'rejects', 3, REJECTS),
      published('open.sql', 'sql', 0, sql),
    ];
    const files = await snapshot({ files: change });
    await writeNewFile(files, `${SNAPSHOT}/open.sql`, sql, 'publish');
    assert.deepEqual((await verify(files)).problems, []);
    files.damage(`${SNAPSHOT}/open.sql`, 1);
    assert.match((await verify(files)).problems.join(), /^open\.sql: sha256: /);
  });

  it('reads files of changes back: as many as the manifest counts, and two columns more', async () => {
    const [before, columns] = [CHANGE_COLUMNS, sampleManifest().columns];
    const contents = { rows: 3, idChecksum: 'any', columns: [...before, ...columns] };
    const right = Buffer.from(JSON.stringify(contents));
    const wrong = Buffer.from(JSON.stringify({ ...contents, columns }));
    for (const [bytes, deleted, problem] of [
      [right, 1, /^$/],
      [right, 2, /^changes\.parquet: rows: 4 in the manifest, 3 found$/],
      [wrong, 1, /^changes\.parquet: columns: change string required, previous_status string, id/],
    ] as const) {
      const files = await snapshot({
        files: [
          published('jobs.parquet', 'parquet', 2, DATA),
          published('jobs.ndjson', 'ndjson', 2, DATA),
          published('rejects.ndjson', 'rejects', 3, REJECTS),
          published('changes.parquet', 'changes-parquet', 3, bytes),
        ],
        changes: { created: 1, updated: 1, deleted },
      });
      await writeNewFile(files, `${SNAPSHOT}/changes.parquet`, bytes, 'publish');
      assert.match((await verify(files)).problems.join(), problem);
    }
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
