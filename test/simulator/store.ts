import { DEFAULT_END, type Sequences } from './generate.ts';
import {
  type Direction,
  type JobFilters,
  JobList,
  type OrderColumn,
  orderKeys,
  shuffledWindow,
} from './job-list.ts';
import type { JobKeys, JobTable } from './job-table.ts';
import { idWords, type JobFields, withDetails, withFields } from './members.ts';
import { type JobRows, type KeptDetails, type PopulationOptions, populate } from './rows.ts';
import { Random, randomUuid, usageError, uuidText } from './values.ts';

/** One change of the list. */
export interface Operation {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly id: string;
  /** Pages answered before the change. */
  readonly page: number;
}

/** What happened to the list, so that a test can tell which jobs existed all the time. */
export class OperationLog {
  readonly #operations: Operation[] = [];

  /** In the order they were made. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  add(kind: Operation['kind'], id: string, page: number): void {
    this.#operations.push({ kind, id, page });
  }

  /** Ids inserted after `page` pages had been answered. */
  insertedSince(page: number): Set<string> {
    const inserts = this.#operations.filter((one) => one.kind === 'insert' && one.page >= page);
    return new Set(inserts.map(({ id }) => id));
  }
}

export interface StoreOptions extends PopulationOptions {
  /** `shuffled`: jobs that tie are in another random order on every page. Default `stable`. */
  readonly ties?: 'stable' | 'shuffled';
}

export interface StoreQuery {
  /** 0-based position of the first job. */
  readonly offset: number;
  readonly limit: number;
  /** Default `created_at`. */
  readonly order?: OrderColumn;
  /** Default `DESC`, newest first, as on the platform. */
  readonly direction?: Direction;
  readonly filters?: JobFilters;
}

/** Who owns the first job of an empty list. */
const FIRST_OWNER = {
  projectId: '00000000-0000-4000-8000-000000000001',
  userId: '00000000-0000-4000-8000-000000000002',
  origin: 'CLIENT',
} as const;
const NEW_JOB = { status: 'PENDING', runs: 100, creationOrder: 0, failed: false } as const;
const NO_DETAILS = {
  parent_id: 'null',
  variables: 'null',
  errors: 'null',
  progress: 'null',
  slurm_job_id: 'null',
} as const;

/**
 * The list of jobs behind the API, without HTTP: ordered, filtered, cut into windows, and changing while it is read.
 * Every method is one atomic step.
 */
export class JobStore {
  readonly #table: JobTable;
  readonly #rows: JobRows;
  readonly #list: JobList;
  readonly #sequences: Sequences;
  readonly #random: Random;
  readonly #seed: number;
  readonly #ties: 'stable' | 'shuffled';
  readonly #log = new OperationLog();
  #pages = 0;
  #latest: number;

  constructor(options: StoreOptions = {}) {
    const { table, rows, sequences } = populate(options);
    this.#seed = options.seed ?? 1;
    this.#ties = options.ties ?? 'stable';
    this.#random = new Random(this.#seed, 4);
    this.#table = table;
    this.#rows = rows;
    this.#sequences = sequences;
    this.#list = new JobList(table);
    this.generated = table.length;
    const last = table.length === 0 ? 0 : table.columns.created[table.length - 1];
    this.#latest = Math.max(last, options.end ?? DEFAULT_END);
  }

  /** Jobs in the list now. */
  get size(): number {
    return this.#list.slots.length;
  }

  /** The store's clock, microseconds since the epoch: no job was created later. */
  get latest(): number {
    return this.#latest;
  }

  /** Jobs there were at the start: their slots are 0 up to this number. */
  readonly generated: number;

  /** Every change since the start, in order. */
  get operations(): readonly Operation[] {
    return this.#log.operations;
  }

  /** Pages answered so far. */
  get pages(): number {
    return this.#pages;
  }

  /** A window of the list as JSON texts, with the number of jobs that pass the filters, both as of this moment. */
  page(query: StoreQuery): { total: number; rows: string[] } {
    const { total, slots } = this.window(query);
    return { total, rows: slots.map((slot) => this.#rows.text(slot)) };
  }

  /** The same window as slots: what `text` and `isPristine` take. */
  window(query: StoreQuery): { total: number; slots: number[] } {
    const { offset, limit, order = 'created_at', direction = 'DESC', filters = {} } = query;
    this.#pages += 1;
    const view = this.#list.view(filters, order);
    const total = view.length;
    const end = Math.min(total, offset + limit);
    if (offset >= end) return { total, slots: [] };
    const [from, to] = direction === 'ASC' ? [offset, end] : [total - end, total - offset];
    const slots =
      this.#ties === 'stable' ? view.slice(from, to) : this.#shuffled(view, from, to, order);
    return { total, slots: direction === 'ASC' ? slots : slots.reverse() };
  }

  /** A job's JSON text. @param raw members to replace in this text only, as `JobFields.raw` */
  text(slot: number, raw?: KeptDetails['raw']): string {
    return this.#rows.text(slot, raw);
  }

  /** True while the job's text is what was generated, so that it can be kept encoded. */
  isPristine(slot: number): boolean {
    return this.#rows.isPristine(slot);
  }

  /** True when the job alone is about as large as a page may be. */
  isBulky(slot: number): boolean {
    return this.#rows.isBulky(slot);
  }

  /** Ids in list order, oldest first. */
  ids(): string[] {
    return this.#list.slots.map((slot) => this.#table.idText(slot));
  }

  /** @returns the JSON text of a job, or undefined when there is none of that id */
  get(id: string): string | undefined {
    const slot = this.#list.find(id);
    return slot === undefined ? undefined : this.#rows.text(slot);
  }

  /** Ids of the jobs that pass the filters, oldest first. */
  idsWhere(filters: JobFilters): string[] {
    return this.#list.view(filters, 'created_at').map((slot) => this.#table.idText(slot));
  }

  /** Keys of a job. @throws SimulatorError when no job has that id */
  keysOf(id: string): Readonly<JobKeys> {
    return this.#table.keys(this.#slotOf(id));
  }

  /** Ids of the jobs that existed from the time `page` pages had been answered until now. */
  existedSince(page = 0): Set<string> {
    const inserted = this.#log.insertedSince(page);
    return new Set(this.ids().filter((id) => !inserted.has(id)));
  }

  /**
   * Adds a job. Without `created_at` it is the newest: the store's clock goes on by a second or two. Without other
   * fields it is a pending job of a batch of its own.
   *
   * @returns its id
   * @throws SimulatorError when the id is no UUID or is in the list
   */
  insert(fields: JobFields & { readonly id?: string } = {}): string {
    const createdAt = fields.created_at ?? this.#tick();
    const id = fields.id === undefined ? randomUuid(this.#random) : idWords(fields.id);
    const text = uuidText(...id);
    if (this.#list.find(text) !== undefined) throw usageError(`the id ${text} is taken`);
    const keys: JobKeys = {
      ...NEW_JOB,
      id,
      ...this.#owner(),
      createdAt,
      updatedAt: createdAt,
      startedAt: null,
      endedAt: null,
    };
    const slot = this.#table.push(withFields(keys, fields));
    const details = { ...NO_DETAILS, sequence: this.#sequences.text(this.#random.uint32()) };
    this.#rows.keep(slot, { details: withDetails(details, fields), raw: fields.raw ?? {} });
    this.#list.add(slot);
    this.#latest = Math.max(this.#latest, createdAt);
    this.#log.add('insert', text, this.#pages);
    return text;
  }

  /**
   * Changes a job. Without `updated_at` the store's clock goes on and gives it. An oddity the job was generated with
   * stays, `raw` wins over it.
   *
   * @throws SimulatorError when no job has that id
   */
  update(id: string, fields: JobFields): void {
    const slot = this.#slotOf(id);
    const { details, raw } = this.#rows.detailsOf(slot);
    const keys = withFields(this.#table.keys(slot), {
      ...fields,
      updated_at: fields.updated_at ?? this.#tick(),
    });
    const moves = keys.createdAt !== this.#table.columns.created[slot];
    if (moves) this.#list.remove(slot);
    this.#table.set(slot, keys);
    this.#rows.keep(slot, {
      details: withDetails(details, fields),
      raw: { ...raw, ...fields.raw },
    });
    if (moves) this.#list.add(slot);
    else this.#list.keysChanged();
    this.#log.add('update', id, this.#pages);
  }

  /** @throws SimulatorError when no job has that id */
  delete(id: string): void {
    const slot = this.#slotOf(id);
    this.#list.remove(slot);
    this.#rows.forget(slot);
    this.#log.add('delete', id, this.#pages);
  }

  /** The jobs that share the `created_at` of the one at a position of the list (oldest first), as ids. */
  tiesAround(position: number): string[] {
    const { start, end } = this.#list.tiesAround(position);
    return this.#list.slots.slice(start, end).map((slot) => this.#table.idText(slot));
  }

  /** Puts the jobs that share the `created_at` of the one at a position in random order, for good. */
  shuffleTies(position: number): void {
    if (position < this.size) this.#list.shuffleTies(position, this.#random);
  }

  /** Keys of the job at a position, oldest first. @throws SimulatorError beyond the end */
  keysAt(position: number): Readonly<JobKeys> & { readonly idText: string } {
    const slot = this.#list.slots[position];
    if (slot === undefined) throw usageError(`no job at position ${position} of ${this.size}`);
    return { ...this.#table.keys(slot), idText: this.#table.idText(slot) };
  }

  #shuffled(view: readonly number[], from: number, to: number, order: OrderColumn): number[] {
    const keys = orderKeys(this.#table, order);
    const isTied = (a: number, b: number): boolean => keys !== undefined && keys[a] === keys[b];
    const random = new Random(this.#seed, 6, this.#pages);
    return shuffledWindow(view, from, to - from, isTied, random);
  }

  /** Project, user and origin as some listed job has them, and a new batch. */
  #owner(): Pick<JobKeys, 'batchId' | 'projectId' | 'userId' | 'origin'> {
    const batchId = uuidText(...randomUuid(this.#random));
    const { slots } = this.#list;
    if (slots.length === 0) return { batchId, ...FIRST_OWNER };
    const { projectId, userId, origin } = this.#table.keys(this.#random.pick(slots));
    return { batchId, projectId, userId, origin };
  }

  #slotOf(id: string): number {
    const slot = this.#list.find(id);
    if (slot === undefined) throw usageError(`no job has the id ${id}`);
    return slot;
  }

  #tick(): number {
    this.#latest += this.#random.between(1_000_000, 2_000_000);
    return this.#latest;
  }
}
