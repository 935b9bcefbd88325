import type { JobDetails, Sequences } from './generate.ts';
import type { JobKeys } from './job-table.ts';
import { type Random, usageError, uuidWords } from './values.ts';

/** The fields of a job in the order the API sends them. */
export const JOB_FIELDS = [
  'id',
  'parent_id',
  'status',
  'runs',
  'batch_id',
  'project_id',
  'created_at',
  'updated_at',
  'start_timestamp',
  'end_timestamp',
  'variables',
  'errors',
  'progress',
  'sequence',
  'creation_order',
  'slurm_job_id',
] as const;
export type JobField = (typeof JOB_FIELDS)[number];

/** What may be left out or null. Source: the reference's list of required fields, and the payloads seen. */
export const OPTIONAL_FIELDS = [
  'parent_id',
  'start_timestamp',
  'end_timestamp',
  'variables',
  'errors',
  'progress',
  'sequence',
  'slurm_job_id',
] as const satisfies readonly JobField[];

/**
 * The members of one JSON object as texts, so that what `JSON.stringify` cannot write (1e400, duplicate keys, exact
 * digits, lone escapes) can be sent.
 */
export class Members {
  #list: { key: string; value: string }[];

  constructor(texts: Readonly<Record<JobField, string>>) {
    this.#list = JOB_FIELDS.map((field) => ({ key: `"${field}"`, value: texts[field] }));
  }

  /** Gives a member another JSON text; a new name goes last. */
  set(name: string, value: string): void {
    const key = JSON.stringify(name);
    const member = this.#list.find((candidate) => candidate.key === key);
    if (member) member.value = value;
    else this.#list.push({ key, value });
  }

  remove(name: string): void {
    const key = JSON.stringify(name);
    this.#list = this.#list.filter((member) => member.key !== key);
  }

  /** Adds a member before all others, whether or not the name is taken. @param key JSON text of the name */
  prepend(key: string, value: string): void {
    this.#list.unshift({ key, value });
  }

  text(): string {
    return `{${this.#list.map(({ key, value }) => `${key}:${value}`).join(',')}}`;
  }
}

/** How an oddity changes a job. */
export interface Twist {
  /** Changes what the filters see too, before the job is stored. */
  readonly keys?: (keys: JobKeys, random: Random) => void;
  /** Changes only the text that is sent. */
  readonly members?: (
    members: Members,
    keys: JobKeys,
    random: Random,
    /** Programs of the size of a giant job's. */
    giant: Pick<Sequences, 'text'>,
  ) => void;
}

/** Gives a member one of some JSON texts. */
export function field(name: string, ...texts: readonly string[]): Twist {
  return { members: (members, _keys, random) => members.set(name, random.pick(texts)) };
}

/**
 * What a test may say of a job, in the API's names. Times are microseconds since the epoch, whole numbers below 2^53.
 * `user_id` and `origin` can be filtered by; the job the API sends does not hold them.
 */
export interface JobFields {
  readonly batch_id?: string;
  readonly project_id?: string;
  readonly user_id?: string;
  readonly origin?: string;
  readonly status?: string;
  readonly creation_order?: number;
  readonly runs?: number | null;
  readonly created_at?: number;
  readonly updated_at?: number;
  readonly start_timestamp?: number | null;
  readonly end_timestamp?: number | null;
  readonly parent_id?: string | null;
  readonly variables?: unknown;
  readonly errors?: readonly string[] | null;
  readonly progress?: number | null;
  readonly sequence?: string | null;
  readonly slurm_job_id?: string | null;
  /** Members of the JSON object as texts: they replace those of the same name, or are added; null leaves one out. */
  readonly raw?: Readonly<Record<string, string | null>>;
}

/** Keys with the fields given put over those of `base`. */
export function withFields(base: JobKeys, fields: JobFields): JobKeys {
  return {
    id: base.id,
    batchId: fields.batch_id ?? base.batchId,
    projectId: fields.project_id ?? base.projectId,
    userId: fields.user_id ?? base.userId,
    origin: fields.origin ?? base.origin,
    status: fields.status ?? base.status,
    creationOrder: fields.creation_order ?? base.creationOrder,
    runs: given(fields.runs, base.runs),
    createdAt: fields.created_at ?? base.createdAt,
    updatedAt: fields.updated_at ?? base.updatedAt,
    startedAt: given(fields.start_timestamp, base.startedAt),
    endedAt: given(fields.end_timestamp, base.endedAt),
    failed: fields.errors === undefined ? base.failed : (fields.errors?.length ?? 0) > 0,
  };
}

/** Details with the fields given put over those of `base`. */
export function withDetails(base: JobDetails, fields: JobFields): JobDetails {
  return {
    parent_id: text(fields.parent_id, base.parent_id),
    variables: text(fields.variables, base.variables),
    errors: text(fields.errors, base.errors),
    progress: text(fields.progress, base.progress),
    sequence: text(fields.sequence, base.sequence),
    slurm_job_id: text(fields.slurm_job_id, base.slurm_job_id),
  };
}

/** @throws SimulatorError when the id is no UUID */
export function idWords(id: string): JobKeys['id'] {
  const words = uuidWords(id);
  if (words) return words;
  throw usageError(`expected a UUID as the job's id, got '${id}'`);
}

function given<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value;
}

function text(value: unknown, otherwise: string): string {
  return value === undefined ? otherwise : JSON.stringify(value);
}
