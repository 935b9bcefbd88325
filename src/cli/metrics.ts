import type { Manifest } from '../index.ts';
import { replaceFile } from '../platform/durable.ts';
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

/** A figure: the end of its name, what it is, its value, or its values by kind. */
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
  const last: readonly Figure[] = [
    ['last_run_timestamp_seconds', 'End of the last run.', run.finishedAt / 1000],
    ['last_run_exit_code', 'Exit code of the last run, 0 for success.', run.exitCode],
    ['last_run_seconds', 'Duration of the last run, pauses included.', run.seconds],
  ];
  const success = manifest ? successFigures(run, manifest) : [];
  const lines = [...last, ...success].flatMap((figure) => linesOf(figure, run.pipeline));
  const kept = previous
    .split('\n')
    .filter((line) => /^(?:# \S+ )?pasqal_jobs_last_success_/.test(line));
  return `${[...lines, ...(manifest ? [] : kept)].join('\n')}\n`;
}

function successFigures(run: RunFigures, manifest: Manifest): readonly Figure[] {
  const { rows, seconds, requests, retries, rejects, completeness, anomalies, changes } = manifest;
  const figures: readonly Figure[] = [
    ['timestamp_seconds', 'End of the last run that published.', run.finishedAt / 1000],
    ['rows', 'Jobs in the snapshot.', rows],
    ['seconds', 'Seconds of work for the snapshot.', seconds],
    ['requests', 'Requests made for the snapshot.', requests],
    ['retries', 'Requests made again.', retries],
    ['rejects', 'Rows set aside.', rejects],
    ['proven', '1 when completeness was proven.', Number(completeness.proven)],
    ['anomalies', 'Rows by kind of anomaly.', anomalies],
    ['changes', 'Rows by kind of change since the snapshot before.', changes ?? {}],
  ];
  return figures.map(([name, help, value]) => [`last_success_${name}`, help, value]);
}

function linesOf([name, help, value]: Figure, pipeline: string): string[] {
  const full = `pasqal_jobs_${name}`;
  const labels = `pipeline="${pipeline}"`;
  const values =
    typeof value === 'number'
      ? [`${full}{${labels}} ${value}`]
      : Object.entries(value).map(([kind, of]) => `${full}{${labels},kind="${kind}"} ${of}`);
  return values.length > 0 ? [`# HELP ${full} ${help}`, `# TYPE ${full} gauge`, ...values] : [];
}

/**
 * Replaces a metrics file in one step, so that node_exporter never reads half of one.
 *
 * @throws ExportError (73) naming the path
 */
export async function writeMetrics(path: string, run: RunFigures, manifest?: Manifest) {
  const files = explainIoErrors(nodeFiles, 'cli', 'start');
  const there = (await files.stat(path))?.kind === 'file';
  const previous = there ? new TextDecoder().decode(await files.read(path)) : '';
  await replaceFile(files, path, Buffer.from(metricsText(run, manifest, previous)), 'cli');
}
