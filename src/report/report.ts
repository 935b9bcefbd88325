import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { WrittenFile } from '../jobs/file-contents.ts';
import { replaceFile } from '../platform/durable.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { page } from './page.ts';
import { askSnapshot, type ReportTask, reportSql } from './snapshot.ts';

export const REPORT = 'report.html';

export interface Report {
  /** One self-contained page. */
  readonly html: Uint8Array;
  /** The SQL that its numbers come from. */
  readonly sql: Uint8Array;
}

/**
 * Makes the page of a snapshot.
 *
 * @throws ExportError (64, report) for a time zone that is not known, (78) without DuckDB, (65) for files that cannot be read
 */
export async function makeReport(task: ReportTask): Promise<Report> {
  const { manifest, timeZone } = task;
  checkTimeZone(timeZone);
  const answers = await askSnapshot(task);
  return {
    html: Buffer.from(page({ answers, manifest, timeZone })),
    sql: Buffer.from(reportSql(manifest, timeZone)),
  };
}

/**
 * The same, written as a file, with the SQL beside it.
 *
 * @param path absolute; `report.html` in the snapshot's folder unless given. `.sql` takes the place of its ending
 * @returns what the manifest says of the two
 * @throws also what the file system throws
 */
export async function writeReport(
  task: ReportTask,
  path = join(task.folder, REPORT),
): Promise<readonly WrittenFile[]> {
  const { html, sql } = await makeReport(task);
  const outputs = [
    { path, format: 'html', bytes: html },
    { path: path.replace(/(?:\.[^./\\]*)?$/, '.sql'), format: 'sql', bytes: sql },
  ] as const;
  for (const output of outputs) await replaceFile(task.files, output.path, output.bytes, 'report');
  return outputs.map(({ path, format, bytes }) => ({
    ...{ name: basename(path), format, rows: task.manifest.rows, bytes: bytes.length },
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (error) {
    throw new ExportError(
      `the time zone ${JSON.stringify(timeZone)} is not known; name one as in Europe/Paris, or UTC`,
      { exitCode: EXIT.usage, stage: 'report', cause: error },
    );
  }
}
