/** Every status seen so far. The set is open: others are kept and flagged `unknown_status`. */
export const KNOWN_STATUSES: ReadonlySet<string> = new Set([
  'PENDING',
  'RUNNING',
  'DONE',
  'ERROR',
  'CANCELED',
  'TIMED_OUT',
  'PAUSED',
  'CANCELING',
]);

/** Statuses after which a job no longer changes. */
export const FINAL_STATUSES: ReadonlySet<string> = new Set([
  'DONE',
  'ERROR',
  'CANCELED',
  'TIMED_OUT',
]);

/** The fields of a job that have a column. Source: GET /api/v2/jobs, `data[]`. */
export const JOB_FIELDS = [
  'id',
  'batch_id',
  'project_id',
  'status',
  'parent_id',
  'slurm_job_id',
  'runs',
  'progress',
  'creation_order',
  'created_at',
  'updated_at',
  'start_timestamp',
  'end_timestamp',
  'errors',
  'variables',
  'sequence',
] as const;

export type JobField = (typeof JOB_FIELDS)[number];

/** The place of each field in `JOB_FIELDS`. */
export const FIELD = Object.fromEntries(JOB_FIELDS.map((name, field) => [name, field])) as Readonly<
  Record<JobField, number>
>;
