import { FIELD, JOB_FIELDS, type JobField } from '../jobs/job.ts';
import { compactJson } from './compact-json.ts';
import { SLACK_BYTES } from './copy-bytes.ts';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  FORM,
  JsonScanner,
  NINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from './json-scanner.ts';
import { tokenOf } from './json-words.ts';

const ROW_SPAN = JOB_FIELDS.length * 2;
const OTHERS = ROW_SPAN + 2;
const STRIDE = OTHERS + 1;
const ROWS_AT_FIRST = 100;
const ABSENT = 0;
const UNKNOWN = -1;
/** Ends are kept with the form of their value in the lowest bits. */
const FORM_BITS = 2;
const FORM_MASK = 3;

const KEYS = JOB_FIELDS.map((name) => tokenOf(`"${name}":`));
const LONGEST_KEY = Math.max(...KEYS.map(({ bytes }) => bytes.length));
const FIELD_BY_NAME: ReadonlyMap<string, number> = new Map(
  JOB_FIELDS.map((name, field) => [name, field]),
);

/**
 * A job as the API sent it: bytes of the answer it came in, and where the value of each field stands in them. Nothing
 * is decoded before it is asked for, for most of it never is: it goes into the columns as it came.
 */
export class RawJob {
  /** UTF-8. There are bytes behind every value, so that `copyBytes` may read past it. */
  readonly bytes: Buffer;
  /** The same bytes. */
  readonly view: DataView;
  readonly #spans: Int32Array;
  readonly #base: number;

  private constructor(bytes: Buffer, view: DataView, spans: Int32Array, row: number) {
    this.bytes = bytes;
    this.view = view;
    this.#spans = spans;
    this.#base = row * STRIDE;
  }

  /** A job of its own. @throws SyntaxError when the text is no JSON object */
  static parse(text: string): RawJob {
    const length = Buffer.byteLength(text);
    const bytes = Buffer.alloc(length + SLACK_BYTES, ' ');
    bytes.write(text);
    const scanner = new JsonScanner(bytes);
    scanner.peek();
    const spans = new Int32Array(STRIDE);
    scanJob(scanner, bytes, spans, 0);
    scanner.end();
    return new RawJob(bytes, viewOf(bytes), spans, 0);
  }

  /**
   * The jobs of a list.
   *
   * @param scanner in front of the list; behind it afterwards
   * @returns undefined when an item is no object
   * @throws SyntaxError when the text is not JSON
   */
  static scanList(scanner: JsonScanner, bytes: Buffer): RawJob[] | undefined {
    let spans = new Int32Array(ROWS_AT_FIRST * STRIDE);
    let rows = 0;
    let areObjects = true;
    for (let more = scanner.enter(OPEN_LIST); more; more = scanner.goesOn(CLOSE_LIST)) {
      if (scanner.peek() === OPEN_OBJECT) {
        if ((rows + 1) * STRIDE > spans.length) spans = twiceAsLong(spans);
        scanJob(scanner, bytes, spans, rows++ * STRIDE);
      } else {
        areObjects = false;
        scanner.value();
      }
    }
    if (!areObjects) return undefined;
    const jobs: RawJob[] = [];
    const view = viewOf(bytes);
    for (let row = 0; row < rows; row++) jobs.push(new RawJob(bytes, view, spans, row));
    return jobs;
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
    return this.#spans[this.#base + OTHERS] > 0;
  }

  /** The JSON text of a field as sent, white space apart; undefined when it is absent. */
  json(name: JobField): string | undefined {
    const field = FIELD[name];
    if (this.startOf(field) === ABSENT) return undefined;
    return compactJson(this.bytes, this.startOf(field), this.endOf(field)).toString();
  }

  /** The text of a field that is a string; undefined for anything else. */
  string(name: JobField): string | undefined {
    const field = FIELD[name];
    const start = this.startOf(field);
    if (this.bytes[start] !== QUOTE) return undefined;
    return stringAt(this.bytes, start, this.endOf(field), this.formOf(field));
  }

  /** The digits of a field that is a number, as sent; undefined for anything else. */
  digits(name: JobField): string | undefined {
    const field = FIELD[name];
    const start = this.startOf(field);
    const isNumber = start !== ABSENT && this.bytes[start] <= NINE && this.bytes[start] !== QUOTE;
    return isNumber ? this.bytes.toString('latin1', start, this.endOf(field)) : undefined;
  }

  /** The text of a string or the digits of a number, which is how timestamps are sent; undefined for anything else. */
  text(name: JobField): string | undefined {
    return this.string(name) ?? this.digits(name);
  }

  /** The whole job as sent, white space apart. */
  toString(): string {
    const [start, end] = [
      this.#spans[this.#base + ROW_SPAN],
      this.#spans[this.#base + ROW_SPAN + 1],
    ];
    return compactJson(this.bytes, start, end).toString();
  }

  /** Its members in order, as sent; of a key that comes again the last value counts. */
  members(): Map<string, string> {
    const scanner = new JsonScanner(this.bytes, this.#spans[this.#base + ROW_SPAN]);
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
    return RawJob.parse(this.toString());
  }
}

/** The text of a JSON string. */
export function stringAt(bytes: Buffer, start: number, end: number, form: number): string {
  if (form === FORM.plain) return bytes.toString('utf8', start + 1, end - 1);
  return String(JSON.parse(bytes.toString('utf8', start, end)));
}

/** The fields in the order in which the last jobs had them: so will the next. */
const usual = new Int8Array(64).fill(UNKNOWN);

function scanJob(scanner: JsonScanner, bytes: Buffer, spans: Int32Array, base: number): void {
  spans[base + ROW_SPAN] = scanner.at;
  let member = 0;
  for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
    let field = usual[member];
    if (!(field >= 0) || !scanner.takes(KEYS[field])) {
      field = readField(scanner, bytes);
      usual[member] = field;
    }
    member++;
    scanner.peek();
    const start = scanner.at;
    const form = scanner.value();
    if (field === UNKNOWN) spans[base + OTHERS]++;
    else {
      spans[base + field * 2] = start;
      spans[base + field * 2 + 1] = (scanner.at << FORM_BITS) | form;
    }
  }
  spans[base + ROW_SPAN + 1] = scanner.at;
}

/** Reads a key. @returns the field it names, or `UNKNOWN` */
function readField(scanner: JsonScanner, bytes: Buffer): number {
  const form = scanner.key();
  const { keyStart, keyEnd } = scanner;
  if (keyEnd - keyStart > LONGEST_KEY && form === FORM.plain) return UNKNOWN;
  return FIELD_BY_NAME.get(stringAt(bytes, keyStart, keyEnd, form)) ?? UNKNOWN;
}

function twiceAsLong(spans: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(spans.length * 2);
  longer.set(spans);
  return longer;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
