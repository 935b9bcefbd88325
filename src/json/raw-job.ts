import { JOB_COLUMNS, sentFields } from '../jobs/columns.ts';
import { type Instant, instantAt, parseTimestamp } from '../jobs/timestamp.ts';
import { SLACK_BYTES, type Token, tokenOf } from './bytes.ts';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  compactJson,
  escapeLoneSurrogates,
  FORM,
  JsonScanner,
  OF_NULL,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from './json-scanner.ts';

/** The places of so many jobs are kept together. */
const ROWS_A_CHUNK = 100;
const ABSENT = 0;
const UNKNOWN = -1;
/** Ends are kept with the form of their value in the lowest bits. */
const FORM_BITS = 2;
const FORM_MASK = 3;

/** The fields that are looked for in a job, and how the places of their values are kept: start and end of each. */
export class JobFields {
  readonly names: readonly string[];
  /** Place of the start of the whole job. */
  readonly rowSpan: number;
  /** Place of the number of fields that are not looked for. */
  readonly others: number;
  /** Numbers a job. */
  readonly stride: number;
  readonly keys: readonly Token[];
  readonly longestKey: number;
  /** The fields in the order in which the last jobs had them: so will the next. */
  readonly usual = new Int8Array(64).fill(UNKNOWN);
  readonly #places: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.names = names;
    this.rowSpan = names.length * 2;
    this.others = this.rowSpan + 2;
    this.stride = this.others + 1;
    this.keys = names.map((name) => tokenOf(`"${name}":`));
    this.longestKey = Math.max(...this.keys.map(({ bytes }) => bytes.length));
    this.#places = new Map(names.map((name, place) => [name, place]));
  }

  /** The place of a field, -1 when it is not looked for. */
  indexOf(name: string): number {
    return this.#places.get(name) ?? UNKNOWN;
  }
}

/** The fields of the jobs table. */
export const JOB_FIELDS = new JobFields(sentFields(JOB_COLUMNS));

/** By what rows are ordered in every file: `created_at`, then the UTF-8 of `id`. */
export interface RowKey {
  /** Null where it cannot be told: such a job is set aside. */
  readonly created: Instant | null;
  /** As the column `id` holds it; empty where it has none. Bytes of the answer, to be copied if kept. */
  readonly id: Uint8Array;
}

/**
 * A job as the API sent it: bytes of the answer it came in, and where the value of each field stands in them. Nothing
 * is decoded before it is asked for, for most of it never is: it goes into the columns as it came.
 */
export class RawJob {
  /** UTF-8. There are bytes behind every value, so that `copyBytes` may read past it. */
  readonly bytes: Buffer;
  /** The same bytes. */
  readonly view: DataView;
  readonly fields: JobFields;
  readonly #spans: Int32Array;
  readonly #base: number;

  /**
   * Reads a job.
   *
   * @param scanner in front of it; behind it afterwards
   * @param spans take the places of its values, from `base` on
   */
  private constructor(
    scanner: JsonScanner,
    bytes: Buffer,
    spans: Int32Array,
    base: number,
    fields: JobFields,
  ) {
    this.bytes = bytes;
    this.view = scanner.view;
    this.fields = fields;
    this.#spans = spans;
    this.#base = base;
    const { usual, keys, rowSpan, others } = fields;
    spans[base + rowSpan] = scanner.at;
    let member = 0;
    for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
      let field = usual[member];
      if (!(field >= 0) || !scanner.takes(keys[field])) {
        field = readField(scanner, bytes, fields);
        usual[member] = field;
      }
      member++;
      scanner.peek();
      const start = scanner.at;
      const form = scanner.value();
      if (field === UNKNOWN) spans[base + others]++;
      else {
        spans[base + field * 2] = start;
        spans[base + field * 2 + 1] = (scanner.at << FORM_BITS) | form;
      }
    }
    spans[base + rowSpan + 1] = scanner.at;
  }

  /** A job of its own. @throws NotJson when the text is no JSON object */
  static parse(text: string, fields = JOB_FIELDS): RawJob {
    const bytes = Buffer.alloc(Buffer.byteLength(text) + SLACK_BYTES, ' ');
    bytes.write(text);
    const scanner = new JsonScanner(bytes);
    scanner.peek();
    const job = new RawJob(scanner, bytes, new Int32Array(fields.stride), 0, fields);
    scanner.end();
    return job;
  }

  /** The job in what a line of `rejects.ndjson` has as `raw`: undefined where that is no text, or no JSON object. */
  static fromReject(raw: unknown): RawJob | undefined {
    try {
      return typeof raw === 'string' ? RawJob.parse(raw) : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * The jobs of a list.
   *
   * @param scanner in front of the list; behind it afterwards
   * @returns undefined when an item is no object
   * @throws NotJson, which tells where, when the text is not JSON
   */
  static scanList(scanner: JsonScanner, bytes: Buffer, fields = JOB_FIELDS): RawJob[] | undefined {
    const jobs: RawJob[] = [];
    let areObjects = true;
    let spans = new Int32Array();
    for (let more = scanner.enter(OPEN_LIST); more; more = scanner.goesOn(CLOSE_LIST)) {
      if (scanner.peek() === OPEN_OBJECT) {
        const base = (jobs.length % ROWS_A_CHUNK) * fields.stride;
        if (base === 0) spans = new Int32Array(ROWS_A_CHUNK * fields.stride);
        jobs.push(new RawJob(scanner, bytes, spans, base, fields));
      } else {
        areObjects = false;
        scanner.value();
      }
    }
    return areObjects ? jobs : undefined;
  }

  /** First byte of a field's value (of a string, its quote), 0 when it is absent. */
  startOf(field: number): number {
    return this.#spans[this.#base + field * 2];
  }

  /** Behind the last byte of a field's value. */
  endOf(field: number): number {
    return this.#spans[this.#base + field * 2 + 1] >> FORM_BITS;
  }

  /** Whether the bytes of a field's value are its text; of an absent one it is `plain`. */
  formOf(field: number): number {
    return this.#spans[this.#base + field * 2 + 1] & FORM_MASK;
  }

  /** Whether it has fields that have no column. */
  get hasOthers(): boolean {
    return this.#spans[this.#base + this.fields.others] > 0;
  }

  /** Whether a field, by its place, is absent or null. */
  isNull(field: number): boolean {
    const start = this.startOf(field);
    return start === ABSENT || this.bytes[start] === OF_NULL;
  }

  /** Whether a field, by its place, is a string. */
  isText(field: number): boolean {
    return this.bytes[this.startOf(field)] === QUOTE;
  }

  /** The JSON text of a field as sent, white space apart; undefined when it is absent. */
  json(name: string): string | undefined {
    const field = this.fields.indexOf(name);
    if (field < 0 || this.startOf(field) === ABSENT) return undefined;
    return compactJson(this.bytes, this.startOf(field), this.endOf(field)).toString();
  }

  /** The text of a field that is a string; undefined for anything else. */
  string(name: string): string | undefined {
    const field = this.fields.indexOf(name);
    if (field < 0 || !this.isText(field)) return undefined;
    return stringAt(this.bytes, this.startOf(field), this.endOf(field), this.formOf(field));
  }

  /** What tells it from other jobs, as the column `id` holds it; undefined for none and for an empty one. */
  get id(): string | undefined {
    const field = this.fields.indexOf('id');
    if (field < 0 || !this.isText(field)) return undefined;
    if (this.formOf(field) === FORM.plain) return this.string('id') || undefined;
    const json = this.bytes.toString('utf8', this.startOf(field), this.endOf(field));
    return String(JSON.parse(escapeLoneSurrogates(json))) || undefined;
  }

  /** Bytes that it takes. */
  get byteLength(): number {
    const span = this.#base + this.fields.rowSpan;
    return this.#spans[span + 1] - this.#spans[span];
  }

  /** The digits of a field that is a number, as sent; undefined for anything else. */
  digits(name: string): string | undefined {
    const json = this.json(name);
    return json !== undefined && json[0] <= '9' && json[0] !== '"' ? json : undefined;
  }

  /** The text of a string or the digits of a number, which is how timestamps are sent; undefined for anything else. */
  text(name: string): string | undefined {
    return this.string(name) ?? this.digits(name);
  }

  /** A field that is a timestamp, by its place; null where `parseTimestamp` knows none. */
  instant(field: number): Instant | null {
    const micros = instantAt(this.bytes, this.startOf(field) + 1, this.endOf(field) - 1);
    if (this.isText(field) && !Number.isNaN(micros)) return micros;
    return parseTimestamp(this.text(this.fields.names[field]) ?? '');
  }

  /** The whole job as sent, white space apart. */
  toString(): string {
    const span = this.#base + this.fields.rowSpan;
    return compactJson(this.bytes, this.#spans[span], this.#spans[span + 1]).toString();
  }

  /** Its members in order, as sent; of a key that comes again the last value counts. */
  members(): Map<string, string> {
    const scanner = new JsonScanner(this.bytes, this.#spans[this.#base + this.fields.rowSpan]);
    const members = new Map<string, string>();
    for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
      const form = scanner.key();
      const key = stringAt(this.bytes, scanner.keyStart, scanner.keyEnd, form);
      scanner.peek();
      const start = scanner.at;
      scanner.value();
      members.set(key, compactJson(this.bytes, start, scanner.at).toString());
    }
    return members;
  }

  /** The same job in bytes of its own, so that those of its answer can go. */
  copy(): RawJob {
    return RawJob.parse(this.toString(), this.fields);
  }
}

const [CREATED_AT, ID] = [JOB_FIELDS.indexOf('created_at'), JOB_FIELDS.indexOf('id')];

/** What a job is sorted by, without making a string of it. */
export function keyOf(job: RawJob): RowKey {
  const created = job.instant(CREATED_AT);
  if (!job.isText(ID)) return { created, id: new Uint8Array() };
  if (job.formOf(ID) === FORM.plain)
    return { created, id: job.bytes.subarray(job.startOf(ID) + 1, job.endOf(ID) - 1) };
  return { created, id: Buffer.from(job.id ?? '') };
}

/** The order of the rows in every file; jobs whose creation cannot be told come last. */
export function compareKeys(a: RowKey, b: RowKey): number {
  const created = a.created ?? Number.POSITIVE_INFINITY;
  const other = b.created ?? Number.POSITIVE_INFINITY;
  if (created < other) return -1;
  return created > other ? 1 : Buffer.compare(a.id, b.id);
}

/** The text of a JSON string. */
export function stringAt(bytes: Buffer, start: number, end: number, form: number): string {
  if (form === FORM.plain) return bytes.toString('utf8', start + 1, end - 1);
  return String(JSON.parse(bytes.toString('utf8', start, end)));
}

/** Reads a key. @returns the field it names, or `UNKNOWN` */
function readField(scanner: JsonScanner, bytes: Buffer, fields: JobFields): number {
  const form = scanner.key();
  const { keyStart, keyEnd } = scanner;
  if (keyEnd - keyStart > fields.longestKey && form === FORM.plain) return UNKNOWN;
  return fields.indexOf(stringAt(bytes, keyStart, keyEnd, form));
}
