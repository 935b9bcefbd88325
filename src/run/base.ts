import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { REQUEST_LINE_BYTES, requestLineBytes } from '../extract/http/query.ts';
import { columnsWithout, describeColumns } from '../jobs/columns.ts';
import type { BaseIndex } from '../jobs/id-index.ts';
import { canonical, FORMAT_VERSION, MANIFEST, type Manifest } from '../jobs/manifest.ts';
import type { Credentials } from '../jobs/options.ts';
import { canonicalFilters, type Filters, mutableFilters } from '../jobs/query.ts';
import { type Effects, log } from '../platform/effects.ts';
import { ExportError } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { slices } from '../platform/ranges.ts';
import { type ExportIdentity, sameExport } from '../publish/guard.ts';
import type { Snapshot } from '../publish/snapshots.ts';
import { digest, isData } from '../publish/verify.ts';
import type { ExportOptions } from './options.ts';

/** The snapshot that a run is compared with, and may go on from. */
export interface Base {
  /** Absolute path. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Microseconds since the epoch: jobs created before it were in the list when the snapshot was made. */
  readonly trustedBefore: bigint;
  /** Its keys: there exactly when the run goes on from it. */
  readonly index?: BaseIndex;
}

/** Raised whenever a part or its state is written differently: no version continues another's work. */
const PART_FORMAT = 5;

/** What the manifest says of what was exported, and by whom: two accounts see different jobs. */
export function identityOf(options: ExportOptions): ExportIdentity {
  const { apiUrl, credentials, filters, relative = {}, without } = options;
  // As written: a relative date is the same every day.
  const dates = Object.entries(relative).map(([name, { written }]) => [name, written]);
  const account = accountOf(credentials);
  return {
    apiUrl,
    filters: { ...filters, ...Object.fromEntries(dates) },
    ...(without && { without: without.toSorted() }),
    ...(account !== undefined && { account: hash(account) }),
  };
}

/** User name or client id; undefined for a bare token, which changes from run to run. */
function accountOf(credentials: Credentials): string | undefined {
  if ('username' in credentials) return credentials.username;
  return 'clientId' in credentials ? credentials.clientId : undefined;
}

/**
 * What must be equal for unfinished work to be continued: everything that decides which rows come, in which order, and
 * how a part holds them. Left out on purpose, because the same work ends in the same bytes whatever they are:
 * concurrency, page size (a walk goes on from any position, and parts are cut by rows), formats and compression (parts
 * are the tables before any format), limits, deadlines, retention. So an interrupted run may go on with fewer
 * connections or another format.
 *
 * @param base the run whose snapshot is gone on from; undefined when everything is read
 * @returns 16 hex digits: the name of the work folder
 */
export function fingerprint(options: ExportOptions, base: string | undefined): string {
  const { filters, ...identity } = identityOf(options);
  const columns = describeColumns(columnsWithout(options.without));
  const more = { filters: canonicalFilters(filters), columns, base: base ?? null };
  return hash(canonical({ ...identity, ...more, partFormat: PART_FORMAT }));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * The last snapshot, if it can be compared with; with its keys, if the run goes on from it. Says why it does not.
 *
 * @param latest what `latest` names
 */
export async function findBase(
  options: ExportOptions,
  effects: Effects,
  latest: Snapshot | undefined,
): Promise<Base | undefined> {
  const { incremental, changes, overlapMs } = options;
  if (!incremental && !changes) return undefined;
  const readsAll = (reason: string, comparedWith?: Base) => {
    if (incremental) log(effects, 'info', `reading everything: ${reason}`);
    return comparedWith;
  };
  if (latest === undefined) return readsAll('there is no snapshot yet');
  const unfit = await unfitness(options, effects.files, latest);
  if (unfit !== undefined) return readsAll(unfit);
  const { folder, manifest } = latest;
  const trustedBefore = BigInt(Date.parse(manifest.startedAt) - overlapMs) * 1000n;
  const base = { folder, manifest, trustedBefore };
  const reason = incremental ? fullBecause(options, manifest, effects.clock.wall()) : '';
  if (reason !== undefined) return readsAll(reason, base);
  try {
    return { ...base, index: await indexOf(latest, options) };
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return readsAll(error.message);
  }
}

async function indexOf({ folder, manifest: { files } }: Snapshot, { without }: ExportOptions) {
  const { openBase } = await import('../load/base.ts');
  const { readBaseIndex } = await import('../load/base-file.ts');
  const { arrowSchema } = await import('../jobs/arrow-schema.ts');
  const file = await openBase({ folder, files }, arrowSchema(columnsWithout(without)));
  return readBaseIndex(file).finally(() => file.close());
}

/** Why a snapshot says nothing about the list; undefined when it does. */
async function unfitness(
  options: ExportOptions,
  files: FileSystem,
  { folder, manifest, checksum }: Snapshot,
): Promise<string | undefined> {
  const last = `the last snapshot, run ${manifest.runId},`;
  if (sameExport(manifest, identityOf(options))) return `${last} is of another export`;
  if (!manifest.completeness.proven) return `${last} is not proven`;
  if (manifest.rejects > 0) return `${last} lacks jobs that were set aside`;
  if (checksum === 'wrong') return `${MANIFEST} of ${last} was altered`;
  const columns = canonical(describeColumns(columnsWithout(options.without)));
  if (manifest.formatVersion !== FORMAT_VERSION || canonical(manifest.columns) !== columns)
    return `${last} has other columns or other forms of values`;
  for (const { name, sha256 } of manifest.files.filter(({ format }) => isData(format))) {
    const found = await digest(files, join(folder, name)).catch(() => undefined);
    if (found !== sha256) return `${name} of ${last} was altered`;
  }
  return undefined;
}

/** Why everything is to be read although there is a snapshot to go on from; undefined when it need not be. */
function fullBecause(
  { filters, fullEveryMs, apiUrl }: ExportOptions,
  manifest: Manifest,
  now: number,
): string | undefined {
  const open = mutableFilters(filters);
  if (open.length > 0) return `jobs can enter and leave what the filter ${open.join(', ')} matches`;
  const ids = filters.id ?? [];
  if (groupsOf(apiUrl, filters, ids).length > 1) return 'ids are listed, more than fit one request';
  if (manifest.rows === 0) return 'the last snapshot is empty';
  const { startedAt } = lastFull(manifest);
  const isDue = Math.abs(now - Date.parse(startedAt)) >= fullEveryMs;
  return isDue ? `that was last done on ${startedAt}` : undefined;
}

/** The last run, up to a snapshot, that read everything. */
export function lastFull({ runId, startedAt, base }: Manifest) {
  return base?.lastFull ?? { runId, startedAt };
}

/** Cuts a list of ids into pieces that fit a request line; one piece where all do. */
export function groupsOf(apiUrl: string, filters: Filters, ids: readonly string[]) {
  const longest = { offset: 1e9, limit: 100, orderBy: 'created_at', direction: 'DESC' } as const;
  const bytes = (some: readonly string[]) =>
    requestLineBytes(apiUrl, filters, { ...longest, ids: some });
  if (bytes(ids) <= REQUEST_LINE_BYTES) return [ids];
  const [empty, most] = [bytes([]), ids.reduce((max, id) => Math.max(max, bytes([id])), 0)];
  const size = Math.max(1, Math.floor((REQUEST_LINE_BYTES - empty) / (most - empty)));
  return slices(ids, size);
}
