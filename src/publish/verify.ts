import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import {
  CHANGE_COLUMNS,
  CHANGES_PREFIX,
  type FileContents,
  type FoundColumn,
} from '../jobs/columns.ts';
import { MANIFEST, type Manifest, type PublishedFile } from '../jobs/manifest.ts';
import { FORMATS, type Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError, hasCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { latestTarget, readManifest, snapshotName } from './snapshots.ts';

/**
 * @param columns those that the file must have
 * @throws an ExportError when the file cannot be read as that format; its message holds nothing of the content
 */
export type ReadBackFile = (
  path: string,
  format: Format,
  columns: readonly FoundColumn[],
) => Promise<FileContents>;

export interface Verification {
  /** Absolute path of the snapshot. */
  readonly folder: string;
  readonly runId: string;
  /** Each a sentence that names the file; none when the snapshot is as its manifest says. */
  readonly problems: readonly string[];
  /** As the manifest says. */
  readonly files: number;
  readonly rows: number;
}

/**
 * Compares a published snapshot with its manifest: which files, their sizes, hashes, rows, ids and columns. Files are
 * read in pieces.
 *
 * @param given a snapshot, or a pipeline's folder for the snapshot that `latest` names
 * @throws ExportError (65, publish) when there is no snapshot or its manifest cannot be used
 */
export async function verifySnapshot(
  given: string,
  options: { readonly files: FileSystem; readonly readBack: ReadBackFile },
): Promise<Verification> {
  const files = explainIoErrors(options.files, 'publish', 'verify');
  const folder = await findSnapshot(files, given);
  const { manifest, checksum } = await readManifest(files, folder);
  const { runId, rows } = manifest;
  const problems: string[] = [];
  if (checksum === 'wrong') {
    problems.push(`${MANIFEST}: it was edited, its checksum is not that of its content`);
  }
  // Snapshots of versions before the checksum are known by their folder: it was not `run=` either.
  if (checksum === 'none' && basename(folder) === snapshotName(runId)) {
    problems.push(`${MANIFEST}: its checksum is missing`);
  }
  if (!manifest.files.some(({ format }) => isData(format))) {
    problems.push(`${MANIFEST} names no data file`);
  }
  for (const file of manifest.files) {
    const path = join(folder, file.name);
    const found = await problemsOf(file, path, manifest, files, options.readBack);
    problems.push(...found.map((problem) => `${file.name}: ${problem}`));
  }
  const known = new Set([MANIFEST, ...manifest.files.map(({ name }) => name)]);
  const extra = (await files.list(folder)).filter((name) => !known.has(name));
  problems.push(...extra.map((name) => `${name}: not in the manifest`));
  return { folder, runId, problems, files: manifest.files.length, rows };
}

/** @returns the snapshot, which `latest` names where a pipeline's folder is given */
export async function findSnapshot(files: FileSystem, given: string): Promise<string> {
  try {
    if ((await files.stat(join(given, MANIFEST))) !== undefined) return given;
    const latest = await latestTarget(files, given);
    if (latest !== undefined) return resolve(given, latest);
  } catch (error) {
    if (!hasCode(error, 'ENOTDIR')) throw error;
  }
  throw new ExportError(
    `${given} holds neither a snapshot (${MANIFEST}) nor a link to the latest one`,
    { exitCode: EXIT.data, stage: 'publish' },
  );
}

/** What a file has otherwise than the manifest says. An altered one is not read any further: all would follow from that. */
async function problemsOf(
  file: PublishedFile,
  path: string,
  manifest: Manifest,
  files: FileSystem,
  readBack: ReadBackFile,
): Promise<string[]> {
  const stat = await files.stat(path);
  if (stat === undefined) return ['missing'];
  if (stat.kind !== 'file') return [`expected a file, found a ${stat.kind}`];
  if (stat.size !== file.bytes) return unless('bytes', file.bytes, stat.size);
  try {
    const sha256 = await digest(files, path);
    if (sha256 !== file.sha256) return unless('sha256', file.sha256, sha256);
    if (file.format === 'rejects') {
      const lines = await countLines(files, path);
      return [...unless('rows', file.rows, lines), ...unless('rejects', manifest.rejects, lines)];
    }
    const format = file.format.replace(CHANGES_PREFIX, '');
    if (!isData(format)) return [];
    const { rows, columns, idChecksum } = format === file.format ? manifest : changesOf(manifest);
    const found = await readBack(path, format, columns);
    return [
      ...unless('rows', file.rows, found.rows),
      ...unless('rows', rows ?? file.rows, found.rows),
      ...unless('ids (their checksum)', idChecksum ?? found.idChecksum, found.idChecksum),
      ...unless('columns', described(columns), described(found.columns)),
    ];
  } catch (error) {
    return [error instanceof ExportError ? error.message : `is no readable ${file.format} file`];
  }
}

/** What a file of changes must hold; of its ids nothing is known. */
function changesOf({ changes, columns }: Manifest) {
  const rows = changes && changes.created + changes.updated + changes.deleted;
  return { rows, idChecksum: undefined, columns: [...CHANGE_COLUMNS, ...columns] };
}

/** Whether a file of that format holds the jobs. */
export function isData(format: string): format is Format {
  return FORMATS.some((known) => known === format);
}

/** @returns the sha256 of a file, as hex */
export async function digest(files: FileSystem, path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of files.readChunks(path)) hash.update(chunk);
  return hash.digest('hex');
}

const NEWLINE = 0x0a;

async function countLines(files: FileSystem, path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of files.readChunks(path)) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
  }
  return lines;
}

function unless(what: string, expected: string | number, found: string | number): string[] {
  return expected === found ? [] : [`${what}: ${expected} in the manifest, ${found} found`];
}

/** A text that holds JSON is a text: no file that all readers open tells the two apart. */
function described(columns: Manifest['columns']): string {
  const word = (type: string) => (type === 'json' ? 'string' : type);
  return columns
    .map(({ name, type, required }) => `${name} ${word(type)}${required ? ' required' : ''}`)
    .join(', ');
}
