import type { RecordBatch } from 'apache-arrow';
import type { TransformedRows } from '../transform/transform-rows.ts';
import type { Costs, PartState } from './state.ts';

/** What the rows so far and their fetching come to, interrupted starts included. */
export class Tally {
  rows = 0;
  rejects = 0;
  /** Rows set aside, by reason. */
  readonly reasons = new Map<string, number>();
  readonly anomalies: Map<string, number>;
  readonly #before: Costs;
  readonly #sinceStart: () => Costs;

  /** @param sinceStart the costs of this start alone, so far */
  constructor(last: PartState | undefined, sinceStart: () => Costs) {
    this.anomalies = new Map(Object.entries(last?.anomalies ?? {}));
    this.#before = last?.costs ?? { requests: 0, retries: 0, bytesReceived: 0, seconds: 0 };
    this.#sinceStart = sinceStart;
  }

  get costs(): Costs {
    const [before, now] = [this.#before, this.#sinceStart()];
    return {
      requests: before.requests + now.requests,
      retries: before.retries + now.retries,
      bytesReceived: before.bytesReceived + now.bytesReceived,
      seconds: Math.round((before.seconds + now.seconds) * 1000) / 1000,
    };
  }

  add({ batch, rejects, anomalies }: TransformedRows): void {
    this.rows += batch.numRows;
    for (const { reason } of rejects) this.reject(reason);
    for (const [kind, count] of anomalies)
      this.anomalies.set(kind, (this.anomalies.get(kind) ?? 0) + count);
  }

  reject(reason: string): void {
    this.rejects++;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** Adds the rows of a stored batch, whose anomalies are in its column. */
  addStored(batch: RecordBatch): void {
    this.rows += batch.numRows;
    for (const kinds of batch.getChild('anomalies') ?? []) {
      for (const kind of kinds ?? []) this.anomalies.set(kind, (this.anomalies.get(kind) ?? 0) + 1);
    }
  }

  /** Forgets the rows, to count them anew. */
  reset(): void {
    this.rows = 0;
    this.rejects = 0;
    this.reasons.clear();
    this.anomalies.clear();
  }

  /** Anomalies in the order of their names, so that equal data make equal manifests. */
  get sortedAnomalies(): Record<string, number> {
    return Object.fromEntries([...this.anomalies].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
