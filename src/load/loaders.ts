import type { Format } from '../jobs/pipeline.ts';
import { arrow } from './arrow.ts';
import type { LoaderDefinition } from './loader.ts';
import { ndjson } from './ndjson.ts';
import { parquet } from './parquet.ts';

/** A loader a format. Naming one is cheap: the libraries behind it are loaded when its first rows come. */
export const LOADERS: Readonly<Record<Format, LoaderDefinition>> = { parquet, arrow, ndjson };
