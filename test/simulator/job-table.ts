import { type UuidWords, uuidText } from './values.ts';

/**
 * What the API filters and orders by. Times are microseconds since the epoch, whole numbers below 2^53. `userId` and
 * `origin` can be filtered by but are no part of the job the API sends.
 */
export interface JobKeys {
  id: UuidWords;
  batchId: string;
  projectId: string;
  userId: string;
  origin: string;
  status: string;
  creationOrder: number;
  runs: number | null;
  createdAt: number;
  updatedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** The job returned errors. */
  failed: boolean;
}

/** A column of few different texts: a code a row. Codes count up from 0 in order of first appearance. */
export class Dictionary {
  readonly #codes = new Map<string, number>();
  readonly values: string[] = [];
  /** The values as JSON texts. */
  readonly json: string[] = [];

  code(value: string): number {
    let code = this.#codes.get(value);
    if (code === undefined) {
      code = this.values.push(value) - 1;
      this.#codes.set(value, code);
      this.json.push(JSON.stringify(value));
    }
    return code;
  }

  find(value: string): number | undefined {
    return this.#codes.get(value);
  }
}

function allocate(capacity: number) {
  return {
    id: new Uint32Array(capacity * 4),
    created: new Float64Array(capacity),
    updated: new Float64Array(capacity),
    /** NaN: none. So are `ended` and `runs`. */
    started: new Float64Array(capacity),
    ended: new Float64Array(capacity),
    runs: new Float64Array(capacity),
    creationOrder: new Float64Array(capacity),
    batch: new Uint32Array(capacity),
    project: new Uint32Array(capacity),
    user: new Uint32Array(capacity),
    origin: new Uint8Array(capacity),
    status: new Uint16Array(capacity),
    failed: new Uint8Array(capacity),
  };
}

/**
 * The keys of every job ever held, one typed array a key, so that 1,000,000 jobs take some 80 MB. A job is known by
 * its slot, which never changes and is never used again.
 */
export class JobTable {
  length = 0;
  readonly batches = new Dictionary();
  readonly projects = new Dictionary();
  readonly users = new Dictionary();
  readonly origins = new Dictionary();
  readonly statuses = new Dictionary();
  #capacity: number;
  #columns: ReturnType<typeof allocate>;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#columns = allocate(capacity);
  }

  /** The columns as they are now: they are replaced when the table grows, so do not keep them. */
  get columns(): Readonly<ReturnType<typeof allocate>> {
    return this.#columns;
  }

  /** @returns the new job's slot */
  push(keys: JobKeys): number {
    if (this.length === this.#capacity) this.#grow();
    const slot = this.length;
    this.length += 1;
    this.set(slot, keys);
    return slot;
  }

  set(slot: number, keys: JobKeys): void {
    const columns = this.#columns;
    for (let word = 0; word < 4; word++) columns.id[slot * 4 + word] = keys.id[word];
    columns.created[slot] = keys.createdAt;
    columns.updated[slot] = keys.updatedAt;
    columns.started[slot] = keys.startedAt ?? Number.NaN;
    columns.ended[slot] = keys.endedAt ?? Number.NaN;
    columns.runs[slot] = keys.runs ?? Number.NaN;
    columns.creationOrder[slot] = keys.creationOrder;
    columns.batch[slot] = this.batches.code(keys.batchId);
    columns.project[slot] = this.projects.code(keys.projectId);
    columns.user[slot] = this.users.code(keys.userId);
    columns.origin[slot] = this.origins.code(keys.origin);
    columns.status[slot] = this.statuses.code(keys.status);
    columns.failed[slot] = keys.failed ? 1 : 0;
  }

  keys(slot: number): JobKeys {
    const columns = this.#columns;
    const [a, b, c, d] = columns.id.subarray(slot * 4, slot * 4 + 4);
    return {
      id: [a, b, c, d],
      batchId: this.batches.values[columns.batch[slot]],
      projectId: this.projects.values[columns.project[slot]],
      userId: this.users.values[columns.user[slot]],
      origin: this.origins.values[columns.origin[slot]],
      status: this.statuses.values[columns.status[slot]],
      creationOrder: columns.creationOrder[slot],
      runs: nullable(columns.runs[slot]),
      createdAt: columns.created[slot],
      updatedAt: columns.updated[slot],
      startedAt: nullable(columns.started[slot]),
      endedAt: nullable(columns.ended[slot]),
      failed: columns.failed[slot] === 1,
    };
  }

  idText(slot: number): string {
    const { id } = this.#columns;
    const at = slot * 4;
    return uuidText(id[at], id[at + 1], id[at + 2], id[at + 3]);
  }

  #grow(): void {
    const old = this.#columns;
    this.#capacity = Math.ceil(this.#capacity * 1.25) + 64;
    const grown = allocate(this.#capacity);
    grown.id.set(old.id);
    grown.created.set(old.created);
    grown.updated.set(old.updated);
    grown.started.set(old.started);
    grown.ended.set(old.ended);
    grown.runs.set(old.runs);
    grown.creationOrder.set(old.creationOrder);
    grown.batch.set(old.batch);
    grown.project.set(old.project);
    grown.user.set(old.user);
    grown.origin.set(old.origin);
    grown.status.set(old.status);
    grown.failed.set(old.failed);
    this.#columns = grown;
  }
}

function nullable(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
