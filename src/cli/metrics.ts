import type { Manifest } from '../index.ts';
import { writeNewFile } from '../platform/durable.ts';
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

const LAST_SUCCESS = 'pasqal_jobs_last_success_';

/**
 * Figures of a run in Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats
 *
 * @param manifest of the snapshot that was published; without one the figures of the last success are taken over
 * @param previous what the file holds so far
 */
export function metricsText(run: RunFigures, manifest?: Manifest, previous = ''): string {
  const labels = `pipeline="${run.pipeline}"`;
  const gauge = (name: string, help: string, value: number) =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}{${labels}} ${value}`;
  const last = 'pasqal_jobs_last_run_';
  const lines = [
    gauge(`${last}timestamp_seconds`, 'End of the last run.', run.finishedAt / 1000),
    gauge(`${last}exit_code`, 'Exit code of the last run, 0 for success.', run.exitCode),
    gauge(`${last}seconds`, 'Duration of the last run, pauses included.', run.seconds),
  ];
  if (manifest === undefined) {
    const mark = new RegExp(`^(?:# (?:HELP|TYPE) )?${LAST_SUCCESS}`);
    return `${[...lines, ...previous.split('\n').filter((line) => mark.test(line))].join('\n')}\n`;
  }
  const { rows, seconds, requests, retries, rejects, completeness } = manifest;
  const { anomalies, changes = {} } = manifest;
  const successes: readonly (readonly [name: string, help: string, value: number])[] = [
    ['timestamp_seconds', 'End of the last run that published.', run.finishedAt / 1000],
    ['rows', 'Jobs in the snapshot.', rows],
    ['seconds', 'Seconds of work for the snapshot.', seconds],
    ['requests', 'Requests made for the snapshot.', requests],
    ['retries', 'Requests made again.', retries],
    ['rejects', 'Rows set aside.', rejects],
    ['proven', '1 when completeness was proven.', Number(completeness.proven)],
  ];
  for (const [name, help, value] of successes) lines.push(gauge(LAST_SUCCESS + name, help, value));
  const families = [
    ['anomalies', 'Rows by kind of anomaly.', anomalies],
    ['changes', 'Rows by kind of change since the snapshot before.', changes],
  ] as const;
  for (const [name, help, counts] of families) {
    const full = LAST_SUCCESS + name;
    const kinds = Object.entries(counts);
    if (kinds.length > 0) lines.push(`# HELP ${full} ${help}`, `# TYPE ${full} gauge`);
    for (const [kind, value] of kinds) lines.push(`${full}{${labels},kind="${kind}"} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Replaces a metrics file in one step, so that node_exporter never reads half of one.
 *
 * @throws ExportError (73) naming the path
 */
export async function writeMetrics(
  path: string,
  run: RunFigures,
  manifest?: Manifest,
): Promise<void> {
  const files = explainIoErrors(nodeFiles, 'cli', 'start');
  const there = (await files.stat(path))?.kind === 'file';
  const previous = there ? new TextDecoder().decode(await files.read(path)) : '';
  const aside = `${path}.new`;
  await files.remove(aside);
  const bytes = new TextEncoder().encode(metricsText(run, manifest, previous));
  await writeNewFile(files, aside, bytes, 'cli');
  await files.rename(aside, path);
}
