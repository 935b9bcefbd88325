/** A job as the API sends it, before anything is known of its fields. Source: GET /api/v2/jobs, `data[]`. */
export type RawJob = Readonly<Record<string, unknown>>;

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
