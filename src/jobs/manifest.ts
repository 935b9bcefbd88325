import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { checked, count, formatJson, list, parseText } from '../json/checked-json.ts';

export const MANIFEST = 'manifest.json';

/** Raised whenever the same rows come to be written as other bytes, or a value in another form. */
export const FORMAT_VERSION = 1;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a sha256 in hex'));
const time = v.pipe(v.string(), v.isoTimestamp('expected a time'));

const PUBLISHED_FILE = v.object({
  name: v.pipe(v.string(), v.regex(/^[\w-][\w.-]*$/, 'expected a plain file name')),
  /**
   * `parquet`, `arrow` and `ndjson` hold jobs, behind `changes-` what became of them since the last snapshot, `rejects` what
   * was set aside; `sql` makes views of the rows; others hold what their name says.
   */
  format: v.string(),
  rows: count,
  bytes: count,
  sha256,
});

/** `manifest.json` of a snapshot. Clock, run id and durations live here and in no data file. */
const SCHEMA = v.object({
  schemaVersion: v.literal(1),
  /** Of the data files: only those of one version can be taken over as they are. */
  formatVersion: v.exactOptional(count),
  tool: v.object({ name: v.string(), version: v.string() }),
  pipeline: v.string(),
  runId: v.string(),
  apiUrl: v.string(),
  /** Hash of the user or client id; without it the account is not known. */
  account: v.exactOptional(v.string()),
  /** As written: a relative date stays one. A later version may know more of them. */
  filters: v.record(v.string(), v.unknown()),
  /** Columns that were left out, sorted; absent: none. */
  without: v.exactOptional(list(v.string())),
  /** What relative dates of the filters stood for. */
  dates: v.exactOptional(v.record(v.string(), v.string())),
  startedAt: time,
  finishedAt: time,
  /** Seconds of work, pauses between resumed runs not counted. */
  seconds: v.number(),
  /** Times the run was resumed after an interruption. */
  resumed: count,
  serverTotal: v.object({ first: count, last: count }),
  rows: count,
  /** sha256 of the ids in file order, each followed by a newline. */
  idChecksum: sha256,
  duplicates: count,
  repairs: count,
  rejects: count,
  anomalies: v.record(v.string(), count),
  completeness: v.looseObject({
    /** True only when it was proven that every job which existed during the whole run is in the snapshot. */
    proven: v.boolean(),
    /** docs/completeness.md explains each word. */
    method: v.string(),
    /** One sentence for people: what was seen, and why that is or is not a proof. */
    reason: v.string(),
  }),
  /** The snapshot that this one went on from, or was compared with. */
  base: v.exactOptional(
    v.looseObject({
      runId: v.string(),
      /** Of the snapshots it goes back to, through one or more: the last that was read whole. */
      lastFull: v.exactOptional(v.object({ runId: v.string(), startedAt: time })),
    }),
  ),
  /** Rows of `changes.*`, by kind. */
  changes: v.exactOptional(
    v.object({ created: count, updated: count, deleted: count, failed: v.exactOptional(count) }),
  ),
  /** What a full run found that an incremental one takes on trust. */
  audit: v.exactOptional(v.looseObject({ changed: count, late: count })),
  requests: count,
  retries: count,
  /** Bytes of response bodies, after decompression. */
  bytesReceived: count,
  /** Column names and types, in file order. */
  columns: list(v.object({ name: v.string(), type: v.string(), required: v.boolean() })),
  files: v.pipe(
    list(PUBLISHED_FILE),
    v.check(
      (files) => new Set(files.map(({ name }) => name)).size === files.length,
      'a file is named twice',
    ),
  ),
});

export type Manifest = Readonly<v.InferOutput<typeof SCHEMA>>;
export type PublishedFile = Readonly<v.InferOutput<typeof PUBLISHED_FILE>>;

/** A manifest as it was read. */
export interface ReadManifest {
  readonly manifest: Manifest;
  /** `none`: written before manifests had one. `wrong`: something was edited. */
  readonly checksum: 'right' | 'wrong' | 'none';
}

/** `manifest.json` as bytes, with `checksum`: the sha256 of all else as JSON without blanks, its keys sorted. */
export function formatManifest(manifest: Manifest): Uint8Array {
  return formatJson({ ...manifest, checksum: checksumOf(manifest) });
}

/** @throws TypeError naming the first field that is missing or of another kind. Fields that are not known are left out */
export function parseManifest(bytes: Uint8Array): ReadManifest {
  const value = parseText(bytes);
  const manifest = checked(SCHEMA, value);
  const { checksum } = checked(v.object({ checksum: v.optional(v.unknown()) }), value);
  if (checksum === undefined) return { manifest, checksum: 'none' };
  return { manifest, checksum: checksum === checksumOf(value) ? 'right' : 'wrong' };
}

function checksumOf(value: unknown): string {
  const text = canonical(JSON.parse(JSON.stringify(value)), ['checksum']);
  return createHash('sha256').update(text).digest('hex');
}

/** JSON that says the same whatever order the keys came in. */
export function canonical(value: unknown, without: readonly string[] = []): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([key]) => !without.includes(key))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join()}}`;
}
