import { COMPRESSIONS, FORMATS, REGIONS } from '../jobs/pipeline.ts';
import { type Flag, withDefault } from './flag.ts';
import { choice, choices, dateTime, duration, integer, switched, text, texts } from './kinds.ts';
import { LEVELS } from './log.ts';

/** Which jobs: the API's own filters, passed through. Keys are those of `Filters`. */
export const FILTER_FLAGS = {
  id: {
    name: 'id',
    group: 'Which jobs',
    kind: texts,
    description: 'Job ids, comma separated',
  },
  idStartsWith: {
    name: 'id-starts-with',
    group: 'Which jobs',
    kind: text(),
    description: 'First characters of the job id',
  },
  batchId: {
    name: 'batch-id',
    group: 'Which jobs',
    kind: texts,
    description: 'Batch ids, comma separated',
  },
  projectId: {
    name: 'project-id',
    group: 'Which jobs',
    kind: texts,
    description: 'Project ids, comma separated',
  },
  userId: {
    name: 'user-id',
    group: 'Which jobs',
    kind: texts,
    description: 'User ids, comma separated',
  },
  status: {
    name: 'status',
    group: 'Which jobs',
    kind: texts,
    description: 'Statuses, comma separated, such as DONE,ERROR,CANCELED',
  },
  minRuns: {
    name: 'min-runs',
    group: 'Which jobs',
    kind: integer(0),
    description: 'Sequence repeated at least so many times',
  },
  maxRuns: {
    name: 'max-runs',
    group: 'Which jobs',
    kind: integer(0),
    description: 'Sequence repeated at most so many times',
  },
  errors: {
    name: 'errors',
    group: 'Which jobs',
    kind: switched,
    description: 'Only jobs that returned errors; --no-errors: only jobs that did not',
  },
  origin: {
    name: 'origin',
    group: 'Which jobs',
    kind: texts,
    description: 'Origins, comma separated: CLIENT, AZURE, UNKNOWN',
  },
  startDate: {
    name: 'start-date',
    group: 'Which jobs',
    kind: dateTime,
    description: "The API's start_date: an ISO 8601 date (midnight UTC) or date-time",
  },
  endDate: {
    name: 'end-date',
    group: 'Which jobs',
    kind: dateTime,
    description: "The API's end_date: an ISO 8601 date (midnight UTC) or date-time",
  },
} as const satisfies Record<string, Flag>;

export const SERVER_FLAGS = {
  region: withDefault(
    {
      name: 'region',
      group: 'Server',
      kind: choice(REGIONS),
      description: 'Region of the platform: picks the API and the place to sign in',
    },
    'fr',
  ),
  apiUrl: {
    name: 'api-url',
    group: 'Server',
    kind: text('an https URL'),
    description: 'Base URL of the API, over that of the region; http for loopback hosts only',
    shownDefault: "the region's",
  },
  pageSize: withDefault(
    {
      name: 'page-size',
      group: 'Server',
      kind: integer(2, 100),
      description: 'Jobs a page, 2 to 100',
    },
    '100',
  ),
} as const satisfies Record<string, Flag>;

export const RUN_FLAGS = {
  concurrency: withDefault(
    {
      name: 'concurrency',
      group: 'Server',
      kind: integer(1, 64),
      description: 'Requests in flight at most, 1 to 64',
    },
    '16',
  ),
  formats: withDefault(
    {
      name: 'format',
      group: 'Files',
      kind: choices(FORMATS),
      description: 'Files to write, comma separated',
    },
    FORMATS.join(','),
  ),
  compression: {
    name: 'compression',
    group: 'Files',
    kind: choice(COMPRESSIONS),
    description: 'zstd or snappy (Parquet only), gzip (Parquet and NDJSON) or none',
    shownDefault: 'zstd for Parquet, else none',
  },
  output: withDefault(
    {
      name: 'output',
      group: 'Files',
      kind: text('a folder'),
      description: 'Folder that holds one folder a pipeline',
    },
    'output',
  ),
  keep: {
    name: 'keep',
    group: 'Files',
    kind: integer(1),
    description: 'Snapshots kept, the new one included; older ones are removed',
    shownDefault: 'all',
  },
  maxRejects: withDefault(
    {
      name: 'max-rejects',
      group: 'The run',
      kind: integer(0),
      description: 'Rows that may be set aside before the run fails',
    },
    '0',
  ),
  allowIncomplete: {
    name: 'allow-incomplete',
    group: 'The run',
    kind: switched,
    description: 'Publish even when completeness is not proven; the manifest says so',
  },
  restart: {
    name: 'restart',
    group: 'The run',
    kind: switched,
    description: 'Discard unfinished work instead of resuming it',
  },
  resumeWithin: withDefault(
    {
      name: 'resume-within',
      group: 'The run',
      kind: duration('0s', '365d'),
      description: 'Age at which unfinished work is started afresh',
    },
    '12h',
  ),
  deadline: {
    name: 'deadline',
    group: 'The run',
    kind: duration('1s', '24d'),
    description: 'Stop after so long, resumable, such as 30m',
    shownDefault: 'none',
  },
} as const satisfies Record<string, Flag>;

export const LOG_FLAGS = {
  json: {
    name: 'json',
    group: 'What is printed',
    kind: switched,
    description: 'Print one JSON object on stdout instead of text',
  },
  progress: {
    name: 'progress',
    group: 'What is printed',
    kind: switched,
    description: 'Draw a progress bar on stderr',
    shownDefault: 'on a terminal',
  },
  logLevel: {
    name: 'log-level',
    group: 'What is printed',
    kind: choice([...LEVELS, 'silent'] as const),
    description: 'Log lines from this level up, on stderr',
    shownDefault: 'info; warn beside a progress bar',
  },
  logFormat: withDefault(
    {
      name: 'log-format',
      group: 'What is printed',
      kind: choice(['text', 'json'] as const),
      description: 'Log lines as text or as JSON objects',
    },
    'text',
  ),
} as const satisfies Record<string, Flag>;
