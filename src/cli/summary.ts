import type { ExportResult, Manifest, Plan } from '../run.ts';
import { formatSeconds } from './duration.ts';
import { count, counted, size } from './figures.ts';

/** What a person wants to know of a published snapshot, a few lines. */
export function exportSummary({ folder, manifest }: ExportResult): string {
  return [
    `exported ${counted(manifest.rows, 'job')} in ${formatSeconds(manifest.seconds)} with ${counted(manifest.requests, 'request')}${extras(manifest)}`,
    ...fileLines(manifest),
    completenessLine(manifest),
    ...rejectLines(manifest),
    ...anomalyLines(manifest),
    folder,
  ].join('\n');
}

function extras({ retries, resumed }: Manifest): string {
  const parts = [
    retries > 0 ? counted(retries, 'retry', 'retries') : '',
    resumed > 0 ? `resumed ${counted(resumed, 'time')}` : '',
  ].filter(Boolean);
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

function fileLines({ files }: Manifest): string[] {
  const width = Math.max(0, ...files.map(({ name }) => name.length));
  return files.map(({ name, bytes }) => `  ${name.padEnd(width)}  ${size(bytes).padStart(9)}`);
}

function completenessLine({ completeness }: Manifest): string {
  return `complete: ${completeness.proven ? 'proven' : 'NOT PROVEN'}; ${completeness.reason}`;
}

function rejectLines({ rejects }: Manifest): string[] {
  return rejects > 0 ? [`set aside: ${counted(rejects, 'row')}, see rejects.ndjson`] : [];
}

function anomalyLines({ anomalies }: Manifest): string[] {
  const kinds = Object.entries(anomalies).map(([kind, rows]) => `${kind} ${count(rows)}`);
  return kinds.length > 0 ? [`anomalies (column "anomalies"): ${kinds.join(', ')}`] : [];
}

export function planSummary(plan: Plan): string {
  return [
    `${counted(plan.total, 'job')} on ${plan.apiUrl}${filterText(plan.filters)}`,
    `an export takes ${counted(plan.windows, 'window')} of up to ${plan.pageSize} jobs, ${counted(plan.requests, 'request')} at most while the list does not change`,
  ].join('\n');
}

function filterText(filters: Plan['filters']): string {
  const parts = Object.entries(filters).map(([name, value]) => `${name} = ${String(value)}`);
  return parts.length > 0 ? ` with ${parts.join(', ')}` : '';
}

/** What `verify` found in a snapshot. */
export interface Verified {
  readonly folder: string;
  readonly runId: string;
  readonly problems: readonly string[];
  readonly files: number;
  readonly rows: number;
}

export function verifySummary({ folder, runId, problems, files, rows }: Verified): string {
  if (problems.length === 0) {
    return `run ${runId} is whole: ${counted(files, 'file')}, ${counted(rows, 'row')} each, as in its manifest\n${folder}`;
  }
  return [
    `run ${runId} differs from its manifest:`,
    ...problems.map((problem) => `  ${problem}`),
    'export again, and use an older snapshot until then',
    folder,
  ].join('\n');
}
