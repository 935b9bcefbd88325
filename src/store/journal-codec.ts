import { crc32 } from 'node:zlib';
import type { JsonValue } from '../json/json-value.ts';

/** One line: `<bytes of the JSON, 8 digits> <CRC-32 of it, 8 hex digits> <JSON>\n`. The JSON is `[number, record]`. */
const PREFIX = /^(\d{8}) ([0-9a-f]{8}) $/;
const PREFIX_BYTES = 18;
const NEWLINE = 0x0a;
const MAX_RECORD_BYTES = 99_999_999;

export interface JournalLine {
  readonly record: JsonValue;
  /** Position behind the line in the journal, bytes. */
  readonly end: number;
}

export interface JournalContent {
  readonly lines: readonly JournalLine[];
  /**
   * What follows the lines. `torn`: one write that was cut short, as a kill or a power loss leaves it. `damaged`:
   * whole records follow the fault or a record is missing, which no interrupted write explains.
   */
  readonly rest: 'none' | 'torn' | 'damaged';
}

/**
 * @param number place of the record in the journal, from 0: shows a record that was lost or doubled
 * @throws RangeError when the record is longer than 99,999,999 bytes
 */
export function encodeLine(number: number, record: JsonValue): Uint8Array {
  const json = Buffer.from(JSON.stringify([number, record]), 'utf8');
  if (json.length > MAX_RECORD_BYTES) throw new RangeError(`record of ${json.length} bytes`);
  const prefix = `${String(json.length).padStart(8, '0')} ${hexCrc(json)} `;
  return Buffer.concat([Buffer.from(prefix, 'latin1'), json, Buffer.from('\n', 'latin1')]);
}

/** Reads as many whole lines as there are from the start. Never throws. */
export function decodeJournal(bytes: Uint8Array): JournalContent {
  const lines: JournalLine[] = [];
  let at = 0;
  while (at < bytes.length) {
    const line = decodeLine(bytes, at);
    if (line === undefined) {
      return { lines, rest: holdsWholeLine(bytes, at + 1) ? 'damaged' : 'torn' };
    }
    if (line.number !== lines.length) return { lines, rest: 'damaged' };
    lines.push({ record: line.record, end: line.end });
    at = line.end;
  }
  return { lines, rest: 'none' };
}

function decodeLine(
  bytes: Uint8Array,
  at: number,
): { number: number; record: JsonValue; end: number } | undefined {
  const start = at + PREFIX_BYTES;
  const prefix = PREFIX.exec(Buffer.from(bytes.subarray(at, start)).toString('latin1'));
  if (!prefix) return undefined;
  const json = Buffer.from(bytes.subarray(start, start + Number(prefix[1])));
  const end = start + json.length + 1;
  if (bytes[end - 1] !== NEWLINE || hexCrc(json) !== prefix[2]) return undefined;
  const content = parseContent(json.toString('utf8'));
  return content && { ...content, end };
}

function parseContent(json: string): { number: number; record: JsonValue } | undefined {
  try {
    const [number, record, ...more]: JsonValue[] = JSON.parse(json);
    if (typeof number !== 'number' || record === undefined || more.length > 0) return undefined;
    return { number, record };
  } catch {
    return undefined;
  }
}

/** A record's JSON holds no raw newline, so no torn line can contain a whole one: what is found was written as a line. */
function holdsWholeLine(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length - PREFIX_BYTES; at++) {
    if (decodeLine(bytes, at) !== undefined) return true;
  }
  return false;
}

function hexCrc(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0');
}
