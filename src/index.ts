export type { Completeness } from './extract/extraction.ts';
export type { ProofMethod } from './extract/list-proof.ts';
export { type Column, type ColumnType, JOB_COLUMNS } from './jobs/columns.ts';
export type { Credentials, TokenEndpoint } from './jobs/options.ts';
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
  type ExportOptions,
  type GivenCredentials,
  type GivenOptions,
  type ProxySettings,
  REGIONS,
} from './run/options.ts';
export {
  type ExportResult,
  type Manifest,
  type PipelineStatus,
  type Plan,
  type PublishedFile,
  pipelineStatus,
  planExport,
  reportSnapshot,
  runExport,
  type SnapshotLine,
  verifySnapshot,
} from './run.ts';
