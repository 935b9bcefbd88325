import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { runExport } from '../../src/index.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { decodePart } from '../../src/platform/part-file.ts';
import { WINDOWS_AHEAD } from '../../src/run/export.ts';
import { PART_ROWS } from '../../src/run/snapshot.ts';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';

const JOBS = 40_000;
const CONCURRENCY = 4;
const PAGE_ROWS = 100;

/** Turns of the event loop without a new request after which whoever could ask has asked. */
const QUIET_TURNS = 300;

/** The disk, where each part waits until nothing more is asked of the server. */
function slowFiles(api: Simulator, wrote: (rows: number) => void): FileSystem {
  return {
    ...nodeFiles,
    async open(path, mode) {
      const file = await nodeFiles.open(path, mode);
      if (!/part-\d+\.arrow\.new$/.test(path)) return file;
      return {
        ...file,
        async write(bytes) {
          await quiet(api);
          const written = await file.write(bytes);
          wrote(decodePart(bytes)?.batch.numRows ?? 0);
          return written;
        },
      };
    },
  };
}

async function quiet(api: Simulator): Promise<void> {
  let requests = api.stats.requests;
  for (let turns = 0; turns < QUIET_TURNS || api.stats.inFlight > 0; turns++) {
    await nextTurn();
    if (api.stats.requests > requests) [requests, turns] = [api.stats.requests, 0];
  }
}

test('rows asked for and not yet written never exceed the read-ahead, however slow the disk', async (t) => {
  let [asked, written, most] = [0, 0, 0];
  const api = await startSimulator({
    jobs: JOBS,
    sequenceBytes: 20,
    onRequest: ({ offset, limit, direction }) => {
      if (direction === 'ASC') asked = Math.max(asked, offset + limit);
    },
  });
  t.after(() => api.close());
  const files = slowFiles(api, (rows) => {
    most = Math.max(most, asked - written);
    written += rows;
  });
  const options = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    formats: ['ndjson'] as const,
    concurrency: CONCURRENCY,
  };
  const { manifest } = await runExport(options, { files });
  assert.equal(written, JOBS);
  assert.equal(manifest.rows, JOBS);
  const windows = WINDOWS_AHEAD * CONCURRENCY + 2;
  const bound = windows * PAGE_ROWS + 2 * PART_ROWS;
  t.diagnostic(`at most ${most} rows ahead, ${bound} allowed, ${JOBS} in all`);
  assert.ok(most > PART_ROWS, `${most} rows ahead: the disk was not slow`);
  assert.ok(most <= bound, `${most} rows ahead`);
});

test('no row is written for the second time because it came again, in whatever order ties are', async (t) => {
  const api = await startSimulator({ jobs: 3000, sequenceBytes: 20, ties: 'shuffled' });
  t.after(() => api.close());
  let written = 0;
  const open: FileSystem['open'] = async (path, mode) => {
    const file = await nodeFiles.open(path, mode);
    const write: typeof file.write = (bytes) => {
      written += decodePart(bytes)?.batch.numRows ?? 0;
      return file.write(bytes);
    };
    return /part-\d+\.arrow\.new$/.test(path) ? { ...file, write } : file;
  };
  const options = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    formats: ['ndjson'] as const,
  };
  const { manifest } = await runExport(options, { files: { ...nodeFiles, open } });
  assert.equal(manifest.rows, 3000);
  assert.ok(api.stats.pages > 60, 'jobs came more than once');
  assert.equal(written, 3000);
});
