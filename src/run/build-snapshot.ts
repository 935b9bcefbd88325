import type { RowChunk } from '../json/page.ts';
import { publish } from '../publish/publish.ts';
import { openStaging, type Staging } from '../publish/staging.ts';
import { toBatches } from '../transform/batches.ts';
import { BatchFlow } from './batch-flow.ts';
import { checkReadBack } from './check-read-back.ts';
import type { RunStart } from './export.ts';
import { judge } from './judge.ts';
import { makeManifest } from './make-manifest.ts';
import { openOutputs } from './open-outputs.ts';
import type { ExportResult } from './options.ts';
import type { Outputs } from './outputs.ts';
import { watch } from './progress.ts';
import { Tally } from './tally.ts';

/** Leads the rows through transformation, checkpoint and loaders into a staged snapshot, and publishes it. */
export async function buildSnapshot(
  start: RunStart,
  chunks: AsyncIterable<RowChunk>,
): Promise<ExportResult> {
  const { effects, header, pipelineFolder, lock } = start;
  const { files } = effects;
  const staging = await openStaging({
    files,
    pipelineFolder,
    runId: header.runId,
    owner: lock.token,
  });
  try {
    const build = new Build(start, staging);
    try {
      await build.load(chunks);
      return await build.publish();
    } finally {
      await build.close();
    }
  } catch (error) {
    await staging.abandon();
    throw error;
  }
}

class Build {
  readonly #start: RunStart;
  readonly #staging: Staging;
  readonly #tally: Tally;
  #outputs: Outputs | undefined;
  #idChecksum = '';

  constructor(start: RunStart, staging: Staging) {
    const { client, effects, begun, states } = start;
    this.#start = start;
    this.#staging = staging;
    this.#tally = new Tally(states.at(-1), () => ({
      requests: client.stats.requests,
      retries: client.stats.retries,
      bytesReceived: client.stats.bytesReceived,
      seconds: (effects.clock.monotonic() - begun) / 1000,
    }));
  }

  /** Fills every output, from the parts that were found and then from the server. */
  async load(chunks: AsyncIterable<RowChunk>): Promise<void> {
    const { checkpoint, extraction, states } = this.#start;
    const { ledger } = extraction;
    const flow = new BatchFlow({ checkpoint, ledger, tally: this.#tally }, await this.#open());
    await flow.resume();
    const watched = this.#watched(chunks);
    for await (const batch of toBatches(watched, states.at(-1)?.frontier)) {
      await flow.take(batch);
    }
    await flow.settle();
    await flow.supersede(() => this.#reopen());
    this.#idChecksum = flow.idChecksum;
  }

  async publish(): Promise<ExportResult> {
    const { options, effects, extraction, lock } = this.#start;
    const [staging, tally, idChecksum] = [this.#staging, this.#tally, this.#idChecksum];
    const completeness = judge(options, extraction.completeness, tally);
    const outputs = this.#opened();
    const files = await outputs.finish();
    const manifest = makeManifest(this.#start, { tally, completeness, idChecksum, files });
    checkReadBack(manifest, await outputs.readBack());
    const folder = await publish({ files: effects.files, staging, manifest, lock });
    return { folder, manifest };
  }

  async close(): Promise<void> {
    await this.#outputs?.close();
  }

  async #open(): Promise<Outputs> {
    this.#outputs = await openOutputs(this.#start.options, this.#staging);
    return this.#outputs;
  }

  #opened(): Outputs {
    if (this.#outputs) return this.#outputs;
    throw new Error('published before anything was loaded');
  }

  async #reopen(): Promise<Outputs> {
    await this.close();
    await this.#staging.reset();
    return this.#open();
  }

  #watched(chunks: AsyncIterable<RowChunk>): AsyncIterable<RowChunk> {
    const { client, effects, extraction } = this.#start;
    let jobs = this.#tally.rows;
    return watch(chunks, (rows) => {
      jobs += rows;
      const { requests, retries } = this.#tally.costs;
      const total = extraction.ledger.counts.lastTotal;
      const { inFlight } = client.stats;
      effects.emit({ type: 'progress', jobs, total, requests, retries, inFlight });
    });
  }
}
