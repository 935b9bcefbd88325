import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ExportOptions } from '../../src/run/options.ts';

/** A folder that goes with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pasqal-jobs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The options of a plain export of everything, in all formats. */
export function exportOptions(apiUrl: string, output: string): ExportOptions {
  return {
    pipeline: 'jobs',
    apiUrl,
    credentials: { kind: 'none' },
    filters: {},
    formats: ['parquet', 'arrow', 'ndjson'],
    output,
    concurrency: 16,
    pageSize: 100,
    maxRejects: 0,
    incremental: false,
    fullEveryMs: 7 * 24 * 3_600_000,
    overlapMs: 3_600_000,
    changes: true,
    report: false,
    timeZone: 'UTC',
    allowShrink: false,
    replace: false,
    allowIncomplete: false,
    restart: false,
    breakLock: false,
    keepTryingMs: 0,
    resumeWithinMs: 12 * 3_600_000,
  };
}
