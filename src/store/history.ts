import type { JsonValue } from '../json/json-value.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { decodeJournal, type JournalLine } from './journal-codec.ts';
import { type Header, JOURNAL_VERSION, type PartRecord, parseRecord } from './records.ts';

/** What a journal tells of the work so far. */
export interface History {
  readonly header: Header;
  /** Position behind the header, bytes. */
  readonly headerEnd: number;
  readonly events: readonly HistoryEvent[];
}

/** `end` is the position behind the record in the journal, bytes. */
export type HistoryEvent =
  | { readonly kind: 'part'; readonly part: PartRecord; readonly end: number }
  | { readonly kind: 'note'; readonly note: JsonValue; readonly end: number };

/** Whether the header alone makes the rest not worth reading. */
export type IsStale = (header: Header) => boolean;

/**
 * Reads a journal. A torn last line is left out.
 *
 * @returns `empty` when not even the header was finished, `stale` when `isStale` says so of it
 * @throws ExportError (74, checkpoint) when the journal is damaged, of another version or of another run
 */
export function readHistory(
  journal: Uint8Array,
  path: string,
  fingerprint: string,
  isStale: IsStale,
): History | 'empty' | 'stale' {
  const { lines, rest } = decodeJournal(journal);
  const [first, ...others] = lines;
  if (first === undefined) {
    if (rest === 'damaged') throw refusal(path, 'its beginning is damaged');
    return 'empty';
  }
  const header = readHeader(first, path, fingerprint);
  if (isStale(header)) return 'stale';
  if (rest === 'damaged') throw refusal(path, `it is damaged behind record ${lines.length}`);
  return { header, headerEnd: first.end, events: readEvents(others, path) };
}

function readHeader(line: JournalLine, path: string, fingerprint: string): Header {
  const record = parse(line, path);
  if (record.kind === 'other-version') {
    throw refusal(path, `it has version ${record.version}, this program writes ${JOURNAL_VERSION}`);
  }
  if (record.kind !== 'header') throw refusal(path, 'its header is missing');
  if (record.header.fingerprint !== fingerprint) throw refusal(path, 'it belongs to another run');
  return record.header;
}

function readEvents(lines: readonly JournalLine[], path: string): HistoryEvent[] {
  let parts = 0;
  return lines.map((line) => {
    const record = parse(line, path);
    if (record.kind === 'note') return { kind: 'note', note: record.note, end: line.end };
    if (record.kind !== 'part') throw refusal(path, 'it has two headers');
    if (record.part.index !== parts++) throw refusal(path, `part ${parts - 1} is missing`);
    return { kind: 'part', part: record.part, end: line.end };
  });
}

function parse(line: JournalLine, path: string): ReturnType<typeof parseRecord> {
  try {
    return parseRecord(line.record);
  } catch (error) {
    throw refusal(path, 'it holds a record this program cannot read', error);
  }
}

function refusal(path: string, why: string, cause?: unknown): ExportError {
  return new ExportError(
    `cannot resume from ${path}: ${why}; run the command again with --restart to discard the unfinished work`,
    { exitCode: EXIT.io, stage: 'checkpoint', cause },
  );
}
