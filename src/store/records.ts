import { Fields, type JsonValue } from '../json/json-value.ts';

export const JOURNAL_VERSION = 1;

/** The journal's first record: what run the work belongs to. */
export interface Header {
  readonly fingerprint: string;
  /** Wall time, milliseconds since the epoch. */
  readonly createdAt: number;
  /** What the caller gave when the work began, e.g. the run id. */
  readonly run: JsonValue;
}

export interface StoredFile {
  /** Name in the work folder. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A checkpoint that is on the disk: the rows of consecutive windows, and where the walk stood behind them. */
export interface PartRecord {
  /** From 0, without gaps. */
  readonly index: number;
  readonly rows: StoredFile;
  /** Rows set aside in the same windows; null when there were none. */
  readonly rejects: StoredFile | null;
  /** The caller's own: position, counters. */
  readonly state: JsonValue;
}

export type JournalRecord =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'part'; readonly part: PartRecord }
  | { readonly kind: 'note'; readonly note: JsonValue };

export function headerRecord(header: Header): JsonValue {
  return { kind: 'header', version: JOURNAL_VERSION, ...header };
}

export function partRecord(part: PartRecord): JsonValue {
  const { index, rows, rejects, state } = part;
  return { kind: 'part', index, rows: { ...rows }, rejects: rejects && { ...rejects }, state };
}

export function noteRecord(note: JsonValue): JsonValue {
  return { kind: 'note', note };
}

/** @throws TypeError when the record has another shape */
export function parseRecord(value: JsonValue): JournalRecord {
  const fields = new Fields(value);
  const kind = fields.oneOf('kind', ['header', 'part', 'note']);
  if (kind === 'note') return { kind, note: fields.value('note') };
  if (kind === 'part') return { kind, part: parsePart(fields) };
  const version = fields.count('version');
  return version === JOURNAL_VERSION
    ? { kind, header: parseHeader(fields) }
    : { kind: 'other-version', version };
}

function parseHeader(fields: Fields): Header {
  return {
    fingerprint: fields.text('fingerprint'),
    createdAt: fields.number('createdAt'),
    run: fields.value('run'),
  };
}

function parsePart(fields: Fields): PartRecord {
  const rejects = fields.fieldsOrNull('rejects');
  return {
    index: fields.count('index'),
    rows: parseStoredFile(fields.fields('rows')),
    rejects: rejects && parseStoredFile(rejects),
    state: fields.value('state'),
  };
}

function parseStoredFile(fields: Fields): StoredFile {
  const name = fields.text('name');
  if (!/^[\w-][\w.-]*$/.test(name)) throw new TypeError('name: not a plain file name');
  return { name, bytes: fields.count('bytes'), sha256: fields.hex('sha256', 64) };
}
