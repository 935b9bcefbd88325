import { createHash } from 'node:crypto';
import type { FileContents } from '../../src/jobs/columns.ts';
import type { Manifest, PublishedFile } from '../../src/jobs/manifest.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import type { ReadBackFile } from '../../src/publish/verify.ts';

const COLUMNS = [
  { name: 'id', type: 'string', required: true },
  { name: 'runs', type: 'int64', required: false },
];

/** Data files of the tests: JSON of what a reader finds in them. */
export function dataFile(rows: number, ids: string): Uint8Array {
  const contents: FileContents = {
    rows,
    idChecksum: sha256(Buffer.from(ids)),
    columns: COLUMNS,
  };
  return Buffer.from(`${JSON.stringify(contents)}\n`);
}

export function readBackFrom(files: FileSystem): ReadBackFile {
  return async (path) => JSON.parse(Buffer.from(await files.read(path)).toString());
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function published(
  name: string,
  format: PublishedFile['format'],
  rows: number,
  bytes: Uint8Array,
): PublishedFile {
  return { name, format, rows, bytes: bytes.length, sha256: sha256(bytes) };
}

export function sampleManifest(change: Partial<Manifest> = {}): Manifest {
  return {
    schemaVersion: 1,
    tool: { name: 'pasqal-jobs-export', version: '0.1.0' },
    pipeline: 'jobs',
    runId: '20261123T020000Z-3fa2c1',
    apiUrl: 'https://api.example/core',
    filters: { status: ['DONE'], minRuns: 3, errors: false, startDate: '2026-01-01' },
    startedAt: '2026-11-23T02:00:00.000Z',
    finishedAt: '2026-11-23T02:00:12.500Z',
    seconds: 12.5,
    resumed: 0,
    serverTotal: { first: 2, last: 2 },
    rows: 2,
    idChecksum: sha256(Buffer.from('ids')),
    duplicates: 0,
    repairs: 0,
    rejects: 0,
    anomalies: { unknown_status: 1 },
    completeness: {
      proven: true,
      method: 'seams',
      reason: 'every seam matched and the ids are as many as the server counts',
      seams: { checked: 1, repaired: 0, broken: 0, spanned: 0 },
      drift: false,
      reconciled: { requests: 3, found: 0, deleted: 0, rewalks: 0 },
    },
    requests: 3,
    retries: 0,
    bytesReceived: 1234,
    columns: COLUMNS,
    files: [],
    ...change,
  };
}
