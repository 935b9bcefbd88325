import type { Completeness } from '../jobs/manifest.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { Fields, type JsonValue } from '../json/json-value.ts';
import { RawJob } from '../json/raw-job.ts';
import type { RowPosition } from '../json/rows.ts';
import { Extraction as InOrder, type ExtractionOptions as InOrderOptions } from './extraction.ts';
import { Ledger } from './ledger.ts';
import { createdAt, idOf } from './row-key.ts';

/** A record that was read but is no job: as sent, or null where it was too large. */
export interface SetAside {
  readonly reason: string;
  readonly offset: number | null;
  readonly raw: Uint8Array | null;
  readonly bytes?: number;
}

/** Rows on their way from the walk to the table. A job may come again, in a newer version. */
export interface RowChunk {
  readonly rows: readonly RawJob[];
  readonly setAside: readonly SetAside[];
  /** No row created before this instant is still expected, in the normal course. */
  readonly settled: Micros | null;
  /** To be stored with the part that holds this chunk's last row. Call it before the next chunk is asked for. */
  readonly state: () => JsonValue;
}

export interface ExtractionOptions extends Pick<InOrderOptions, 'reader' | 'idPrefix' | 'emit'> {
  readonly resumeFrom?: JsonValue;
}

const COUNTS = [
  'firstTotal',
  'lastTotal',
  'minTotal',
  'maxTotal',
  'appended',
  'duplicates',
  'seamsChecked',
  'seamsRepaired',
  'seamsBroken',
] as const;

/** The extraction, with its state in one value. */
export class Extraction {
  readonly ledger: { restore(id: string, updatedAt: Micros | null): void };
  readonly #ledger = new Ledger();
  readonly #inner: InOrder;
  #frontier: RowPosition | null = null;
  #settled: Micros | null = null;

  constructor({ resumeFrom, ...options }: ExtractionOptions) {
    if (resumeFrom !== undefined) this.#resume(new Fields(resumeFrom));
    const resumeAt = this.#frontier === null ? {} : { resumeAt: this.#frontier };
    this.#inner = new InOrder({ ...options, ledger: this.#ledger, ...resumeAt });
    this.ledger = { restore: (id) => void this.#ledger.ids.add(id) };
  }

  get completeness(): Completeness | undefined {
    return this.#inner.completeness;
  }

  get counts(): Ledger['counts'] {
    return this.#ledger.counts;
  }

  async *chunks(): AsyncGenerator<RowChunk> {
    for await (const { rows, lastOffset } of this.#inner.chunks()) {
      const row = rows.at(-1);
      if (row !== undefined && lastOffset !== null) {
        this.#frontier = { row, offset: lastOffset };
        this.#settled = createdAt(row) ?? this.#settled;
      }
      yield this.#chunk([...rows, ...this.#ledger.again.splice(0)]);
    }
    const again = this.#ledger.again.splice(0);
    if (again.length > 0) yield this.#chunk(again);
  }

  #chunk(rows: readonly RawJob[]): RowChunk {
    return { rows, setAside: [], settled: this.#settled, state: () => this.#state() };
  }

  #state(): JsonValue {
    const { newestAtStart: newest, counts, open } = this.#ledger;
    const frontier = this.#frontier;
    return {
      frontier: frontier && {
        offset: frontier.offset,
        row: JSON.stringify({
          id: idOf(frontier.row),
          created_at: frontier.row.text('created_at') ?? null,
          updated_at: frontier.row.text('updated_at') ?? null,
        }),
      },
      newest: newest && { time: newest.time.toString(), ids: [...newest.ids] },
      counts: { ...counts },
      open: open.map(({ offset, from, to }) => ({
        offset,
        from: from?.toString() ?? null,
        to: to?.toString() ?? null,
      })),
    };
  }

  #resume(fields: Fields): void {
    const frontier = fields.fieldsOrNull('frontier');
    const newest = fields.fieldsOrNull('newest');
    const micros = (text: string | null): Micros | null => (text === null ? null : BigInt(text));
    if (frontier)
      this.#frontier = {
        offset: frontier.count('offset'),
        row: RawJob.parse(frontier.text('row')),
      };
    this.#settled = this.#frontier && createdAt(this.#frontier.row);
    this.#ledger.newestAtStart = newest && {
      time: BigInt(newest.text('time')),
      ids: new Set(newest.texts('ids')),
    };
    for (const name of COUNTS) this.#ledger.counts[name] = fields.fields('counts').count(name);
    this.#ledger.open.push(
      ...fields.list('open').map((item) => ({
        offset: item.count('offset'),
        from: micros(item.textOrNull('from')),
        to: micros(item.textOrNull('to')),
      })),
    );
  }
}
