import { ExportError, runExport } from '../../src/index.ts';

try {
  const { folder, manifest } = await runExport({
    region: 'fr', // or apiUrl: 'https://...'
    credentials: { kind: 'token', token: process.env.PASQAL_TOKEN ?? '' },
    // Everything else has a default.
    pipeline: 'nightly', // names the folder below `output`, and the lock
    filters: { status: ['ERROR'] },
    formats: ['parquet'],
    output: '/data',
    keepTryingMs: 3 * 3_600_000,
  });
  console.log(folder, manifest.rows, manifest.completeness.proven);
} catch (error) {
  if (error instanceof ExportError && error.retryable) console.log('run it again:', error.message);
  else throw error;
}
