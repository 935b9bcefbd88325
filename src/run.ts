export type { Manifest, PublishedFile } from './publish/manifest.ts';
export { type ExportResult, runExport } from './run/export.ts';
export { type Plan, planExport } from './run/plan.ts';
export { verifySnapshot } from './run/verify.ts';
