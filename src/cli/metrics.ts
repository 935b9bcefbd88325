import type { Manifest } from '../index.ts';
import { checkReplaceable, replaceFile } from '../platform/durable.ts';
import type { ExitCode } from '../platform/errors.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { nodeFiles } from '../platform/node-files.ts';

/** How a run ended, well or not. */
export interface RunFigures {
  readonly pipeline: string;
  readonly exitCode: ExitCode;
  /** From start to end, pauses included. */
  readonly seconds: number;
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
}

/** The end of its name, what it is, its value, or its values by kind. */
type Figure = readonly [
  name: string,
  help: string,
  value: number | Readonly<Record<string, number>>,
];

/**
 * Figures of a run in Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats
 *
 * @param manifest of the snapshot that was published; without one the figures of the last success are taken over
 * @param previous what the file holds so far
 */
export function metricsText(run: RunFigures, manifest?: Manifest, previous = ''): string {
  const last = linesOf(run, 'last_run', [
    ['timestamp_seconds', 'End of the last run.', run.finishedAt / 1000],
    ['exit_code', 'Exit code of the last run, 0 for success.', run.exitCode],
    ['seconds', 'Duration of the last run, pauses included.', run.seconds],
  ]);
  const success = manifest
    ? linesOf(run, 'last_success', [
        ['timestamp_seconds', 'End of the last run that published.', run.finishedAt / 1000],
        ['rows', 'Jobs in the snapshot.', manifest.rows],
        ['seconds', 'Seconds of work for the snapshot.', manifest.seconds],
        ['requests', 'Requests made for the snapshot.', manifest.requests],
        ['retries', 'Requests made again.', manifest.retries],
        ['rejects', 'Rows set aside.', manifest.rejects],
        ['proven', '1 when completeness was proven.', Number(manifest.completeness.proven)],
        ['anomalies', 'Rows by kind of anomaly.', manifest.anomalies],
        ['changes', 'Rows by kind of change since the snapshot before.', manifest.changes ?? {}],
      ])
    : previous.split('\n').filter((line) => /^(?:# \S+ )?pasqal_jobs_last_success_/.test(line));
  return `${[...last, ...success].join('\n')}\n`;
}

function linesOf({ pipeline }: RunFigures, of: string, figures: readonly Figure[]): string[] {
  return figures.flatMap(([end, help, value]) => {
    const name = `pasqal_jobs_${of}_${end}`;
    const values =
      typeof value === 'number'
        ? [`${name}{pipeline="${pipeline}"} ${value}`]
        : Object.entries(value).map(
            ([kind, rows]) => `${name}{pipeline="${pipeline}",kind="${kind}"} ${rows}`,
          );
    return values.length > 0 ? [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...values] : [];
  });
}

const FILES = explainIoErrors(nodeFiles, 'cli', 'start');

/** @throws ExportError (73) naming the path, when a metrics file could not be written there */
export function checkMetrics(path: string): Promise<void> {
  return checkReplaceable(FILES, path, 'cli');
}

/**
 * Replaces a metrics file in one step, so that node_exporter never reads half of one.
 *
 * @throws ExportError (73) naming the path
 */
export async function writeMetrics(path: string, run: RunFigures, manifest?: Manifest) {
  const there = (await FILES.stat(path))?.kind === 'file';
  const previous = there ? new TextDecoder().decode(await FILES.read(path)) : '';
  await replaceFile(FILES, path, Buffer.from(metricsText(run, manifest, previous)), 'cli');
}
