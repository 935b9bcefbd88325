import { JOB_COLUMNS } from '../jobs/columns.ts';
import type { Completeness } from '../jobs/manifest.ts';
import { TOOL } from '../platform/tool.ts';
import type { Manifest, PublishedFile } from '../publish/manifest.ts';
import type { RunStart } from './export.ts';
import type { Tally } from './tally.ts';

/** What the run came to, for `manifest.json`. */
export interface Outcome {
  readonly tally: Tally;
  readonly completeness: Completeness;
  readonly idChecksum: string;
  readonly files: readonly PublishedFile[];
}

export function makeManifest(
  start: RunStart,
  { tally, completeness, idChecksum, files }: Outcome,
): Manifest {
  const { options, effects, header, extraction } = start;
  const { counts } = extraction.ledger;
  const { requests, retries, bytesReceived, seconds } = tally.costs;
  return {
    schemaVersion: 1,
    tool: TOOL,
    pipeline: options.pipeline,
    runId: header.runId,
    apiUrl: options.apiUrl,
    filters: { ...options.filters },
    startedAt: new Date(header.startedAt).toISOString(),
    finishedAt: new Date(effects.clock.wall()).toISOString(),
    seconds,
    resumed: start.resumed,
    serverTotal: { first: counts.firstTotal, last: counts.lastTotal },
    rows: tally.rows,
    idChecksum,
    duplicates: counts.duplicates,
    repairs: counts.seamsRepaired,
    rejects: tally.rejects,
    anomalies: tally.sortedAnomalies,
    completeness: { ...completeness },
    requests,
    retries,
    bytesReceived,
    columns: JOB_COLUMNS.map(({ name, type, required }) => ({ name, type, required })),
    files,
  };
}
