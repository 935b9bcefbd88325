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
