import type { RecordBatch } from 'apache-arrow';
import type { Ledger } from '../extract/ledger.ts';
import { idOf } from '../extract/row-key.ts';
import { JOB_SCHEMA } from '../jobs/arrow-schema.ts';
import type { RowPosition } from '../json/page.ts';
import type { RawJob } from '../json/raw-job.ts';
import { BatchEncoder, decodeBatches } from '../platform/ipc.ts';
import type { Checkpoint } from '../store/checkpoint.ts';
import type { PartRecord } from '../store/records.ts';
import type { JobsBatch } from '../transform/batches.ts';
import { rejectLine } from '../transform/transform-rows.ts';
import { IdChecksum } from './id-checksum.ts';
import type { Outputs } from './outputs.ts';
import { readRejects } from './rejects.ts';
import { encodeState } from './state.ts';
import { newestAgain, replaceRows, supersededRows } from './supersede.ts';
import type { Tally } from './tally.ts';

/** What a run works with once its rows come in. */
export interface Workshop {
  readonly checkpoint: Checkpoint;
  readonly ledger: Ledger;
  readonly tally: Tally;
}

/** Parts that may wait for the disk before the fetching has to. */
export const PARTS_BEHIND = 1;

/**
 * Leads record batches from the transformer into the checkpoint and the outputs, and replays them from the checkpoint
 * where a run was interrupted or rows turned out to be superseded.
 */
export class BatchFlow {
  readonly #shop: Workshop;
  readonly #parts: PartRecord[];
  #outputs: Outputs;
  readonly #encoder = new BatchEncoder(JOB_SCHEMA);
  #checksum = new IdChecksum();
  #openSaved: number;
  #againSaved: number;
  /** The parts being made durable while the next ones are made. */
  readonly #appending: Promise<void>[] = [];

  constructor(shop: Workshop, outputs: Outputs) {
    this.#shop = shop;
    this.#outputs = outputs;
    this.#parts = [...shop.checkpoint.found.parts];
    this.#openSaved = shop.ledger.open.length;
    this.#againSaved = shop.ledger.again.length;
  }

  get idChecksum(): string {
    return this.#checksum.digest();
  }

  /** Takes a batch: makes it durable and hands it to every output. */
  async take({ batch, rejects, anomalies, last }: JobsBatch): Promise<void> {
    const { tally } = this.#shop;
    const ipc = this.#encoder.encode(batch);
    const lines = new TextEncoder().encode(rejects.map(rejectLine).join(''));
    tally.add({ batch, rejects, anomalies });
    const appended = this.#append(ipc, lines, last);
    appended.catch(() => {});
    this.#appending.push(appended);
    if (this.#appending.length > PARTS_BEHIND) await this.#appending.shift();
    await this.#output(batch, ipc, lines);
  }

  /** Puts the parts of earlier starts back into the ledger and into every output. */
  async resume(): Promise<void> {
    const { ledger, tally } = this.#shop;
    for (const part of this.#parts) {
      const { ipc, batches, lines } = await this.#read(part);
      for (const batch of batches) {
        restoreIds(ledger, batch);
        tally.rows += batch.numRows;
        await this.#output(batch, ipc, lines);
      }
      for (const { reason, record } of readRejects(lines)) {
        ledger.restore(idOf(record), null);
        tally.reject(reason);
      }
    }
  }

  /** Waits until every batch is durable. */
  async settle(): Promise<void> {
    await Promise.all(this.#appending);
  }

  /**
   * Where a job came again with a later `updated_at` after it was handed out: makes the outputs anew from the
   * checkpoint, with the newer version in its place.
   *
   * @returns rows superseded
   */
  async supersede(reopen: () => Promise<Outputs>): Promise<number> {
    const { ledger, tally } = this.#shop;
    const again = newestAgain(ledger.again);
    const superseded = again.size === 0 ? 0 : await this.#countSuperseded(again);
    if (superseded === 0) return 0;
    this.#outputs = await reopen();
    this.#checksum = new IdChecksum();
    tally.reset();
    for (const part of this.#parts) {
      const { batches, lines } = await this.#read(part);
      for (const batch of batches) {
        const replacements = supersededRows(batch, again);
        const rejects = [...replacements.values()].flatMap((rows) => rows.rejects);
        const allLines = Buffer.concat([lines, Buffer.from(rejects.map(rejectLine).join(''))]);
        for (const { reason } of readRejects(allLines)) tally.reject(reason);
        let rest: Uint8Array = allLines;
        for (const piece of replaceRows(batch, replacements)) {
          tally.addStored(piece);
          await this.#output(piece, this.#encoder.encode(piece), rest);
          rest = new Uint8Array();
        }
      }
    }
    return superseded;
  }

  async #countSuperseded(again: ReadonlyMap<string, RawJob>): Promise<number> {
    let rows = 0;
    for (const part of this.#parts) {
      for (const batch of (await this.#read(part)).batches) {
        rows += supersededRows(batch, again).size;
      }
    }
    return rows;
  }

  async #read(
    part: PartRecord,
  ): Promise<{ ipc: Uint8Array; batches: RecordBatch[]; lines: Uint8Array }> {
    const { checkpoint } = this.#shop;
    const ipc = await checkpoint.readPart(part);
    return { ipc, batches: decodeBatches(ipc), lines: await checkpoint.readRejects(part) };
  }

  async #output(batch: RecordBatch, ipc: Uint8Array, rejects: Uint8Array): Promise<void> {
    this.#checksum.add(batch);
    await this.#outputs.write(batch.numRows > 0 ? ipc : undefined, rejects);
  }

  async #append(ipc: Uint8Array, rejects: Uint8Array, frontier: RowPosition | null): Promise<void> {
    const { checkpoint, ledger, tally } = this.#shop;
    const state = encodeState({
      frontier,
      newest: ledger.newestAtStart,
      counts: ledger.counts,
      open: ledger.open.slice(this.#openSaved),
      again: ledger.again.slice(this.#againSaved),
      anomalies: tally.sortedAnomalies,
      costs: tally.costs,
    });
    this.#openSaved = ledger.open.length;
    this.#againSaved = ledger.again.length;
    this.#parts.push(await checkpoint.append({ bytes: ipc, rejects, state }));
  }
}

function restoreIds(ledger: Ledger, batch: RecordBatch): void {
  const ids = batch.getChild('id');
  const created = batch.getChild('created_at')?.data[0];
  for (let row = 0; row < batch.numRows; row++) {
    ledger.restore(String(ids?.get(row)), created?.values[row] ?? null);
  }
}
