import { ExportError, runExport } from '../../src/index.ts';

try {
  const { folder, manifest } = await runExport({
    pipeline: 'nightly', // names the folder below `output`, and the lock
    apiUrl: 'https://apis.pasqal.cloud/core-fast',
    credentials: { kind: 'token', token: process.env.PASQAL_TOKEN ?? '' },
    filters: { status: ['ERROR'] },
    formats: ['parquet'],
    output: '/data',
    concurrency: 16,
    pageSize: 100,
    maxRejects: 0,
    allowIncomplete: false,
    restart: false,
    resumeWithinMs: 12 * 3_600_000,
  });
  console.log(folder, manifest.rows, manifest.completeness.proven);
} catch (error) {
  if (error instanceof ExportError && error.retryable) console.log('run it again:', error.message);
  else throw error;
}
