import { LosslessNumber } from 'lossless-json';
import { losslessParse } from './lossless-parse.ts';

/**
 * A row in a form that every reader can be brought to: integers and instants (microseconds) as decimal text, JSON as
 * `canonicalJson`, everything else as it is.
 */
export type PlainRow = Readonly<Record<string, unknown>>;

const COLUMNS = [
  ...[
    'id',
    'batch_id',
    'project_id',
    'status',
    'parent_id',
    'slurm_job_id',
    'runs',
    'progress',
    'creation_order',
  ],
  ...[
    'created_at',
    'updated_at',
    'start_timestamp',
    'end_timestamp',
    'errors',
    'variables',
    'sequence',
  ],
];
const KNOWN = [
  'PENDING',
  'RUNNING',
  'DONE',
  'ERROR',
  'CANCELED',
  'TIMED_OUT',
  'PAUSED',
  'CANCELING',
];
const FINAL = ['DONE', 'ERROR', 'CANCELED', 'TIMED_OUT'];

/**
 * The row that a job's JSON text must become, worked out from docs/columns.md on its own, with none of the code under
 * test: slow and plain, for comparison.
 *
 * @param without columns that are left out
 */
export function expectedRow(text: string, without: readonly string[] = []): PlainRow {
  const job = Object(losslessParse(text));
  const anomalies: string[] = [];
  const extra = new Map(Object.entries(job).filter(([name]) => !COLUMNS.includes(name)));
  const take = <T>(name: string, read: (value: unknown) => T | undefined): T | null => {
    const value = job[name];
    if (value === undefined || value === null) return null;
    const result = read(value);
    if (result !== undefined) return result;
    anomalies.push(`unparsable:${name}`);
    extra.set(name, value);
    return null;
  };
  const time = (name: string): bigint | null => take(name, microseconds);
  const [created, updated, start, end] = [
    'created_at',
    'updated_at',
    'start_timestamp',
    'end_timestamp',
  ].map(time);
  for (const [name, at] of Object.entries({
    created_at: created,
    updated_at: updated,
    start_timestamp: start,
    end_timestamp: end,
  })) {
    if (at !== null && (at < 1_420_070_400_000_000n || at >= 4_102_444_800_000_000n))
      anomalies.push(`implausible:${name}`);
  }
  if (start !== null && created !== null && start < created) anomalies.push('start_before_created');
  if (start !== null && end !== null && end < start) anomalies.push('end_before_start');
  if (!KNOWN.includes(String(job.status))) anomalies.push('unknown_status');
  /** Halves of surrogate pairs, at any depth, are said by their escapes. */
  const carried = (name: string, value: unknown): unknown => {
    const text = withHalvesSaid(value);
    if (holdsHalves(value)) anomalies.push(`lone_surrogate:${name}`);
    return text;
  };
  const strings = (name: string) =>
    take(name, (value) => (typeof value === 'string' ? carried(name, value) : undefined));
  const integer = (name: string) => take(name, wholeNumber);
  const errors = take('errors', (value) =>
    listOfStrings(value) ? carried('errors', value) : undefined,
  );
  const row = {
    id: strings('id'),
    batch_id: strings('batch_id'),
    project_id: strings('project_id'),
    status: strings('status'),
    parent_id: strings('parent_id'),
    slurm_job_id: strings('slurm_job_id'),
    runs: integer('runs'),
    progress: integer('progress'),
    creation_order: integer('creation_order'),
    created_at: created?.toString() ?? null,
    updated_at: updated?.toString() ?? null,
    start_timestamp: start?.toString() ?? null,
    end_timestamp: end?.toString() ?? null,
    queue_seconds: seconds(created, start),
    run_seconds: seconds(start, end),
    total_seconds: seconds(created, end),
    is_final: FINAL.includes(String(job.status)),
    errors,
    error_count: anomalies.includes('unparsable:errors') ? null : String(job.errors?.length ?? 0),
    variables:
      job.variables === undefined || job.variables === null
        ? null
        : canonical(carried('variables', job.variables)),
    sequence: strings('sequence'),
    extra: null as string | null,
  };
  for (const name of without) extra.delete(name);
  const others = carried('extra', Object.fromEntries(extra));
  const all = {
    ...row,
    extra: extra.size === 0 ? null : canonical(others),
    anomalies: anomalies.filter((flag) => !without.includes(flag.split(':')[1] ?? '')).sort(),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
}

/** JSON text in a form in which equal values are equal texts: keys sorted, numbers as digits and a power of ten. */
export function canonicalJson(text: string): string {
  return canonical(losslessParse(text));
}

function canonical(value: unknown): string {
  if (value instanceof LosslessNumber) return decimal(value.value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`,
  );
  return `{${members.sort().join()}}`;
}

function decimal(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}

function microseconds(value: unknown): bigint | undefined {
  const text = value instanceof LosslessNumber ? value.value : value;
  if (typeof text !== 'string') return undefined;
  const epoch = /^([+-]?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (epoch) {
    const [, whole, fraction = '', exponent = '0'] = epoch;
    const power = Number(exponent) - fraction.length + 6;
    const digits = BigInt(`${whole}${fraction}`.replace('+', ''));
    if (power >= 0) return withinYears(digits * 10n ** BigInt(power));
    const unit = 10n ** BigInt(-power);
    return withinYears((digits - (((digits % unit) + unit) % unit)) / unit);
  }
  const iso = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))? ?([Zz]|[+-]\d\d:?\d\d)?$/.exec(
    text,
  );
  if (!iso) return undefined;
  const [, date, clock, fraction = '', zone = 'Z'] = iso;
  const utcDay = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(utcDay.getTime()) || utcDay.toISOString().slice(0, 10) !== date)
    return undefined;
  const millis = Date.parse(
    `${date}T${clock}${zone.toUpperCase().replace(/^(...)(\d\d)$/, '$1:$2')}`,
  );
  if (Number.isNaN(millis)) return undefined;
  return withinYears(BigInt(millis) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0')));
}

function withinYears(micros: bigint): bigint | undefined {
  const [first, end] = [Date.parse('0001-01-01T00:00:00Z'), Date.UTC(10_000, 0)];
  return micros >= BigInt(first) * 1000n && micros < BigInt(end) * 1000n ? micros : undefined;
}

function wholeNumber(value: unknown): string | undefined {
  const scientific =
    value instanceof LosslessNumber ? /^(-?\d+)e(\d+)$/.exec(decimal(value.value)) : null;
  if (value instanceof LosslessNumber && decimal(value.value) === '0') return '0';
  if (!scientific || Number(scientific[2]) > 20) return undefined;
  const integer = BigInt(scientific[1]) * 10n ** BigInt(scientific[2]);
  return BigInt.asIntN(64, integer) === integer ? integer.toString() : undefined;
}

function listOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => item === null || typeof item === 'string');
}

function withHalvesSaid(value: unknown): unknown {
  if (value instanceof LosslessNumber || typeof value !== 'object' || value === null)
    return typeof value === 'string' ? said(value) : value;
  if (Array.isArray(value)) return value.map(withHalvesSaid);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [said(name), withHalvesSaid(member)]),
  );
}

/** Character by character: a pair is one of them, a half another. */
function said(text: string): string {
  return Array.from(text, (character) =>
    character.isWellFormed() ? character : `\\u${character.charCodeAt(0).toString(16)}`,
  ).join('');
}

function holdsHalves(value: unknown): boolean {
  return canonical(value) !== canonical(withHalvesSaid(value));
}

function seconds(from: bigint | null, to: bigint | null): number | null {
  return from === null || to === null ? null : Number(to - from) / 1e6;
}
