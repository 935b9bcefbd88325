import { join } from 'node:path';
import { Extraction } from '../extract/extraction.ts';
import type { JobsClient } from '../extract/http/index.ts';
import { Ledger } from '../extract/ledger.ts';
import type { ExportOptions } from '../jobs/options.ts';
import type { Effects } from '../platform/effects.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { startNow } from '../platform/start-now.ts';
import type { Manifest } from '../publish/manifest.ts';
import { finishPublication } from '../publish/publish.ts';
import { retain } from '../publish/snapshots.ts';
import { checkOutput } from '../publish/staging.ts';
import { withStatus } from '../publish/status.ts';
import { acquireLock, type Lock } from '../store/lock.ts';
import { openClient } from './client.ts';
import { nodeEffects } from './node-effects.ts';
import { decodeState, type PartState, restoreLedger } from './state.ts';
import { openWork, type Work } from './work.ts';

export interface ExportResult {
  /** Absolute path of the published snapshot. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** One start of a run: everything it was given and has opened. */
export interface RunStart extends Work {
  readonly options: ExportOptions;
  readonly effects: Effects;
  readonly signal: AbortSignal;
  readonly pipelineFolder: string;
  readonly lock: Lock;
  readonly client: JobsClient;
  /** Monotonic milliseconds. */
  readonly begun: number;
  /** The states of the parts that were found, in order. */
  readonly states: readonly PartState[];
  readonly extraction: Extraction;
}

/**
 * Windows read ahead of the rows handed out, for each connection: one in flight, and a few that wait for their turn. More
 * would be a little faster, and would be fetched again after a kill.
 */
export const WINDOWS_AHEAD = 1.5;

/** Bytes of decoded pages that may wait. */
const BYTES_AHEAD = 96 * 1024 * 1024;

/**
 * Exports every job that the filters match into a new snapshot, or goes on with an interrupted export of the same.
 *
 * @param signal aborts the run, which then rejects with the signal's reason and stays resumable
 * @throws ExportError with the exit code and the stage; the last published snapshot is untouched then
 */
export async function runExport(
  options: ExportOptions,
  given: Partial<Effects> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ExportResult> {
  const effects = { ...nodeEffects, ...given };
  const { files, clock } = effects;
  const begun = clock.monotonic();
  const pipelineFolder = join(options.output, options.pipeline);
  const { breakLock = false } = options;
  const path = join(pipelineFolder, '.lock');
  const lock = await acquireLock({ files, clock, path, breakLock });
  try {
    await checkOutput(files, pipelineFolder);
    let client: JobsClient | undefined;
    const progress = () => ({ requests: client?.stats.requests ?? 0 });
    return await withStatus({ files, clock, pipelineFolder, progress }, async () => {
      const work = await openWork(options, effects, pipelineFolder);
      const { checkpoint, header } = work;
      try {
        const { runId } = header;
        const published = await finishPublication({ files, pipelineFolder, runId });
        const result =
          published ??
          (await runUnderLock(
            { options, effects, signal, begun, pipelineFolder, lock, ...work },
            (opened) => {
              client = opened;
            },
          ));
        if (options.keep !== undefined) await retain({ files, pipelineFolder, keep: options.keep });
        await checkpoint.close();
        await checkpoint.discard();
        return result;
      } finally {
        await checkpoint.close();
      }
    });
  } finally {
    await lock.release();
  }
}

async function runUnderLock(
  opened: Omit<RunStart, 'client' | 'states' | 'extraction'>,
  onClient: (client: JobsClient) => void,
): Promise<ExportResult> {
  const { options, effects, checkpoint, begun, signal } = opened;
  const client = openClient(options, effects, begun);
  onClient(client);
  const stop = new AbortController();
  try {
    const states = checkpoint.found.parts.map(({ state }) => decodeState(state));
    const ledger = new Ledger();
    restoreLedger(ledger, states);
    const resumeAt = states.at(-1)?.frontier;
    const extraction = new Extraction({
      reader: {
        fetchPage: client.fetchPage,
        pageSize: options.pageSize,
        readAhead: { windows: Math.ceil(WINDOWS_AHEAD * options.concurrency), bytes: BYTES_AHEAD },
        signal: AbortSignal.any([signal, stop.signal]),
      },
      idPrefix: options.filters.idStartsWith ?? '',
      emit: effects.emit,
      ledger,
      ...(resumeAt ? { resumeAt } : {}),
    });
    // The rows of parts that were found must be in the ledger first; otherwise the first request goes out before the
    // heavy modules load.
    const chunks = states.length > 0 ? extraction.chunks() : startNow(extraction.chunks());
    const { buildSnapshot } = await import('./build-snapshot.ts');
    return await buildSnapshot({ ...opened, client, states, extraction }, chunks);
  } finally {
    stop.abort(new ExportError('the run ended', { exitCode: EXIT.bug, stage: 'extract' }));
    await client.close();
  }
}
