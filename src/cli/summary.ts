import type { ExportResult, PipelineStatus, Plan, SnapshotLine, Verification } from '../index.ts';
import { count, counted, formatSeconds, size } from '../platform/format.ts';

export const SCRIPT = 'pasqal-jobs';

/** What a person wants to know of a published snapshot, a few lines. */
export function exportSummary({ folder, manifest }: ExportResult): string {
  const { rows, seconds, requests, retries, resumed, files, rejects, completeness } = manifest;
  const { created = 0, updated = 0, deleted = 0, failed = 0 } = manifest.changes ?? {};
  const changed = `${count(created)} new, ${count(updated)} changed, ${count(deleted)} gone`;
  const extras = [
    ...(retries > 0 ? [counted(retries, 'retry', 'retries')] : []),
    ...(resumed > 0 ? [`resumed ${counted(resumed, 'time')}`] : []),
  ].join(', ');
  const width = Math.max(0, ...files.map(({ name }) => name.length));
  const kinds = Object.entries(manifest.anomalies).map(([kind, of]) => `${kind} ${count(of)}`);
  return [
    `exported ${counted(rows, 'job')} in ${formatSeconds(seconds)} with ${counted(requests, 'request')}${extras && ` (${extras})`}`,
    ...files.map(({ name, bytes }) => `  ${name.padEnd(width)}  ${size(bytes).padStart(9)}`),
    ...(manifest.changes ? [`since the last snapshot: ${changed}; ${count(failed)} failed`] : []),
    `complete: ${completeness.proven ? 'proven' : 'NOT PROVEN'}; ${completeness.reason}`,
    ...(rejects > 0 ? [`set aside: ${counted(rejects, 'row')}, see rejects.ndjson`] : []),
    ...(kinds.length > 0 ? [`anomalies (column "anomalies"): ${kinds.join(', ')}`] : []),
    folder,
  ].join('\n');
}

export function planSummary({ total, apiUrl, filters, requests, pageSize }: Plan): string {
  const asked = Object.entries(filters).map(([name, value]) => `${name} = ${String(value)}`);
  return [
    `${counted(total, 'job')} on ${apiUrl}${asked.length > 0 ? ` with ${asked.join(', ')}` : ''}`,
    `an export takes about ${counted(requests, 'request')} of up to ${pageSize} jobs while the list does not change`,
  ].join('\n');
}

/** What `verify` found in a snapshot. */
export function verifySummary({ folder, runId, problems, files, rows }: Verification): string {
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

/** How a pipeline is doing: its snapshots, the last attempt, what is left to do. */
export function statusSummary(status: PipelineStatus): string {
  const { folder, snapshots, attempt, unfinished, ageSeconds, stale, warnings } = status;
  const said = attempt?.message ? `; ${attempt.message}` : '';
  const age = ageSeconds === undefined ? '' : `the newest is ${formatSeconds(ageSeconds)} old`;
  return [
    ...snapshots.map(snapshotLine),
    snapshots.length === 0 ? 'no snapshot' : `${age}${stale ? ': TOO OLD' : ''}`,
    ...(attempt ? [`last attempt: ${attempt.outcome}, started ${attempt.startedAt}${said}`] : []),
    ...unfinished.map((name) => `unfinished work: .work/${name}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    folder,
  ].join('\n');
}

function snapshotLine({ runId, rows, bytes, kind, changes, proven }: SnapshotLine): string {
  const changed = Object.entries(changes ?? {}).map(([name, value]) => `${name} ${count(value)}`);
  return [
    `  ${runId}  ${counted(rows, 'job').padStart(14)}  ${size(bytes).padStart(9)}  ${kind}`,
    ...(changed.length > 0 ? [changed.join(', ')] : []),
    ...(proven ? [] : ['NOT PROVEN']),
  ].join(', ');
}

/** One line of the log, as text or as a JSON object. */
export function logLine(
  format: 'text' | 'json',
  wall: number,
  level: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const time = new Date(wall).toISOString();
  if (format === 'json') return JSON.stringify({ level, time, message, ...fields });
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
  return `${time} ${level.padEnd(5)} ${message}${pairs.join('')}`;
}
