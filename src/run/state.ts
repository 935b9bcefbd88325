import type { Ledger, LedgerCounts, Newest, OpenInterval } from '../extract/ledger.ts';
import { idOf } from '../extract/row-key.ts';
import { Fields, type JsonValue } from '../json/json-value.ts';
import type { RowPosition } from '../json/page.ts';
import { RawJob } from '../json/raw-job.ts';

/** Raised whenever a part or its state is written differently: no version continues another's work. */
export const PART_FORMAT = 2;

/** What a run has cost so far, over all its starts. */
export interface Costs {
  readonly requests: number;
  readonly retries: number;
  readonly bytesReceived: number;
  /** Seconds of work. */
  readonly seconds: number;
}

/** What is written beside a part, so that a later start goes on as if nothing had happened. */
export interface PartState {
  readonly frontier: RowPosition | null;
  readonly newest: Newest | null;
  readonly counts: LedgerCounts;
  /** Since the last part only. */
  readonly open: readonly OpenInterval[];
  readonly again: readonly RawJob[];
  readonly anomalies: Readonly<Record<string, number>>;
  readonly costs: Costs;
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
] as const satisfies readonly (keyof LedgerCounts)[];

export function encodeState(state: PartState): JsonValue {
  const { frontier, newest, counts, open, again, anomalies, costs } = state;
  return {
    frontier: frontier && { offset: frontier.offset, row: keyFields(frontier.row) },
    newest: newest && { time: newest.time.toString(), ids: [...newest.ids] },
    counts: { ...counts },
    open: open.map(({ offset, from, to }) => ({
      offset,
      from: from?.toString() ?? null,
      to: to?.toString() ?? null,
    })),
    again: again.map(String),
    anomalies: { ...anomalies },
    costs: { ...costs },
  };
}

/** @throws TypeError when the value is not what `encodeState` makes */
export function decodeState(value: JsonValue): PartState {
  const fields = new Fields(value);
  const frontier = fields.fieldsOrNull('frontier');
  const newest = fields.fieldsOrNull('newest');
  const costs = fields.fields('costs');
  const anomalies = fields.fields('anomalies');
  return {
    frontier: frontier && { offset: frontier.count('offset'), row: rowOf(frontier.fields('row')) },
    newest: newest && { time: BigInt(newest.text('time')), ids: new Set(newest.texts('ids')) },
    counts: decodeCounts(fields.fields('counts')),
    open: fields.list('open').map((item) => ({
      offset: item.count('offset'),
      from: microsOf(item.textOrNull('from')),
      to: microsOf(item.textOrNull('to')),
    })),
    again: fields.texts('again').map((text) => RawJob.parse(text)),
    anomalies: Object.fromEntries(anomalies.names().map((name) => [name, anomalies.count(name)])),
    costs: {
      requests: costs.count('requests'),
      retries: costs.count('retries'),
      bytesReceived: costs.count('bytesReceived'),
      seconds: costs.number('seconds'),
    },
  };
}

function decodeCounts(fields: Fields): LedgerCounts {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, fields.count(name)]));
  return counts as Record<(typeof COUNTS)[number], number>;
}

/** What is known of a whole interrupted run, from the states of its parts in order. */
export function restoreLedger(ledger: Ledger, states: readonly PartState[]): void {
  const last = states.at(-1);
  if (last === undefined) return;
  Object.assign(ledger.counts, last.counts, { appended: 0 });
  ledger.newestAtStart = last.newest;
  for (const { open, again } of states) {
    ledger.open.push(...open);
    ledger.again.push(...again);
  }
}

/** What the next window recognizes the row by. */
function keyFields(row: RawJob): JsonValue {
  return {
    id: idOf(row),
    created_at: row.text('created_at') ?? null,
    updated_at: row.text('updated_at') ?? null,
  };
}

function rowOf(fields: Fields): RawJob {
  const texts = fields.names().map((name) => [name, fields.textOrNull(name)]);
  return RawJob.parse(JSON.stringify(Object.fromEntries(texts)));
}

function microsOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
