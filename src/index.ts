export { type Column, type ColumnType, JOB_COLUMNS } from './domain/columns.ts';
export type { Clock, Effects, RunEvent } from './domain/effects.ts';
export { EXIT, type ExitCode, ExportError, type Stage } from './domain/errors.ts';
export type { FileSystem, OpenFile } from './domain/file-system.ts';
export type { Completeness, Manifest, ProofMethod, PublishedFile } from './domain/manifest.ts';
export type { Credentials, ExportOptions, TokenEndpoint } from './domain/options.ts';
export {
  type Compression,
  definePipeline,
  type Filters,
  type Format,
  type PipelineDefinition,
  type Region,
} from './domain/pipeline.ts';
export {
  type ExportResult,
  type Plan,
  planExport,
  runExport,
  verifySnapshot,
} from './run.ts';
export { type Simulator, type SimulatorOptions, startSimulator } from './simulator/index.ts';
