export { type ExportResult, runExport } from './run/export.ts';
export { type Plan, planExport, verifySnapshot } from './run/start.ts';
