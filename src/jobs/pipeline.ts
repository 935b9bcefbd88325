import type { Filters } from './query.ts';

export type { Filters } from './query.ts';

export const FORMATS = ['parquet', 'arrow', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/** `gzip` also compresses NDJSON (`jobs.ndjson.gz`); `zstd` and `snappy` concern Parquet only. */
export const COMPRESSIONS = ['zstd', 'snappy', 'gzip', 'none'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What to export, in which formats, and how: a file of `pipelines/` is one of these. */
export interface PipelineDefinition {
  /** One line for `--help` and the manifest. */
  readonly description: string;
  /** Which jobs. Default: every job the credentials can see. */
  readonly filters?: Filters;
  /** Files to write. Default: all three. */
  readonly formats?: readonly Format[];
  /** Default: the codec docs/decisions.md settles on for Parquet, NDJSON plain. */
  readonly compression?: Compression;
  /** Columns to leave out of every file, such as `sequence`; docs/columns.md says which may be. Default: none. */
  readonly without?: readonly string[];
  /** Requests in flight at most. Default 16. */
  readonly concurrency?: number;
  /** Jobs a page, 2 to 100. Default 100. */
  readonly pageSize?: number;
  /** Rows that may be set aside before the run fails. Default 0. */
  readonly maxRejects?: number;
  /** Whether to go on from the last snapshot. Default false. */
  readonly incremental?: boolean;
  /** With `incremental`: milliseconds after which everything is read once more. Default 7 days. */
  readonly fullEveryMs?: number;
  /** With `incremental`: milliseconds before the last run in which jobs may have appeared late. Default 1 hour. */
  readonly overlapMs?: number;
  /** Whether to write what changed since the last snapshot. Default true. */
  readonly changes?: boolean;
  /** Whether to write a page of the snapshot, `report.html`. Default false. */
  readonly report?: boolean;
  /** Of the days and hours of the report, such as `Europe/Paris`. Default UTC. */
  readonly timeZone?: string;
  /** Share of jobs that may be gone since the last snapshot, 0 to 1. Default 0.2, none where jobs can leave a filter. */
  readonly maxShrink?: number;
  /** Snapshots kept after a publication, the new one included. Default: all. */
  readonly keep?: number;
}

/** Declares a pipeline. It returns its argument; it is there so that an editor completes and checks every option. */
export function definePipeline(definition: PipelineDefinition): PipelineDefinition {
  return definition;
}
