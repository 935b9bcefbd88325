import type { FileContents } from '../jobs/file-contents.ts';
import type { Manifest } from './manifest.ts';

/** What the data files of a snapshot have in common. */
export type Expected = Pick<Manifest, 'rows' | 'idChecksum' | 'columns'>;

/** @returns what a data file, read back, holds otherwise than the manifest says */
export function readBackProblems(expected: Expected, found: FileContents): string[] {
  return [
    ...unless('rows', expected.rows, found.rows),
    ...unless('ids (their checksum)', expected.idChecksum, found.idChecksum),
    ...unless('columns', described(expected.columns), described(found.columns)),
  ];
}

export function unless(what: string, expected: string | number, found: string | number): string[] {
  return expected === found ? [] : [differs(what, expected, found)];
}

export function differs(what: string, expected: string | number, found: string | number): string {
  return `${what}: ${expected} in the manifest, ${found} found`;
}

/** A text that holds JSON is a text: no file that all readers open tells the two apart. */
function described(columns: Expected['columns']): string {
  return columns
    .map(
      ({ name, type, required }) =>
        `${name} ${type === 'json' ? 'string' : type}${required ? ' required' : ''}`,
    )
    .join(', ');
}
