export { type Column, type ColumnType, JOB_COLUMNS } from './jobs/columns.ts';
export type { Completeness, ProofMethod } from './jobs/manifest.ts';
export type { Credentials, ExportOptions, TokenEndpoint } from './jobs/options.ts';
export {
  type Compression,
  definePipeline,
  type Filters,
  type Format,
  type PipelineDefinition,
  type Region,
} from './jobs/pipeline.ts';
export type { Clock, Effects, RunEvent } from './platform/effects.ts';
export { EXIT, type ExitCode, ExportError, type Stage } from './platform/errors.ts';
export type { FileSystem, OpenFile } from './platform/file-system.ts';
export {
  type ExportResult,
  type Manifest,
  type Plan,
  type PublishedFile,
  planExport,
  runExport,
  verifySnapshot,
} from './run.ts';
export { type Simulator, type SimulatorOptions, startSimulator } from './simulator/index.ts';
