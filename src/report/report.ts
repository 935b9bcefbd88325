import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { checkReplaceable, replaceFile } from '../platform/durable.ts';
import { page } from './page.ts';
import { askSnapshot, type ReportTask, reportSql } from './snapshot.ts';

const REPORT = 'report.html';

/** What may be left of a report that could not be written. */
export const REPORT_FILES = ['report.html', 'report.sql', 'report.html.new', 'report.sql.new'];

/**
 * Makes one self-contained page of a snapshot, and beside it the SQL that its numbers come from.
 *
 * @param path absolute; `report.html` in the snapshot's folder unless given. `.sql` takes the place of its ending
 * @returns what the manifest says of the two
 * @throws ExportError (78, report) without DuckDB, (73) where anything but a file is in the way, (65) for files that cannot
 *   be read or a time zone that is not known, and what the file system throws
 */
export async function writeReport(task: ReportTask, path = join(task.folder, REPORT)) {
  const { files, manifest, timeZone } = task;
  const sqlPath = path.replace(/(?:\.[^./\\]*)?$/, '.sql');
  for (const name of [path, sqlPath]) await checkReplaceable(files, name, 'report');
  const answers = await askSnapshot(task);
  const html = Buffer.from(page({ answers, manifest, timeZone }));
  const sql = Buffer.from(reportSql(manifest, timeZone));
  const outputs = [
    { path, format: 'html', bytes: html },
    { path: sqlPath, format: 'sql', bytes: sql },
  ];
  for (const { path, bytes } of outputs) await replaceFile(files, path, bytes, 'report');
  return outputs.map(({ path, format, bytes }) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { name: basename(path), format, rows: manifest.rows, bytes: bytes.length, sha256 };
  });
}
