import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import type { Completeness, RowChunk } from '../extract/extraction.ts';
import type { SetAside } from '../extract/ledger.ts';
import { arrowSchema } from '../jobs/arrow-schema.ts';
import { columnsWithout, describeColumns, JOB_COLUMNS } from '../jobs/columns.ts';
import { FORMAT_VERSION, type Manifest } from '../jobs/manifest.ts';
import { mutableFilters } from '../jobs/query.ts';
import type { Micros } from '../jobs/timestamp.ts';
import type { JsonValue } from '../json/checked-json.ts';
import { compareKeys, JOB_FIELDS, keyOf, RawJob, type RowKey } from '../json/raw-job.ts';
import type { Loaded, LoadTask } from '../load/loader.ts';
import { type LoaderLine, startLoader } from '../load/thread.ts';
import { type Effects, log } from '../platform/effects.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import { letGo } from '../platform/memory.ts';
import { PartEncoder } from '../platform/part-file.ts';
import { TOOL } from '../platform/tool.ts';
import { guardShrink } from '../publish/guard.ts';
import { publish } from '../publish/publish.ts';
import { RowsTransformer } from '../transform/transform-rows.ts';
import { type Base, identityOf, lastFull } from './base.ts';
import type { RunStart } from './export.ts';
import type { ExportOptions, ExportResult } from './options.ts';

/** Rows of a part at most: those of a block of the files. */
export const PART_ROWS = 2_500;

/** Bytes of rows after which a part is cut earlier. */
const PART_BYTES = 8 * 1024 * 1024;

/** A chunk of fewer rows may hold a whole page each in memory: they get bytes of their own. */
const FEW_ROWS = 25;

/** Answers without a row after which the state is made durable all the same. */
const IDLE_ANSWERS = 100;

/** Share of jobs that may be gone since the last snapshot, unless it is told. */
const MAX_SHRINK = 0.2;

/** What an incremental export takes on trust; a full one that follows audits it. */
const TRUSTED = [
  'jobs that had ended do not change',
  'no job appears that was created before the overlap',
];

/** Leads the rows through transformation, parts and loader into a snapshot, and publishes it. */
export async function buildSnapshot(
  start: RunStart,
  chunks: AsyncIterable<RowChunk>,
): Promise<ExportResult> {
  const { options, effects, work, lock, pipelineFolder, base } = start;
  const { files } = effects;
  const { formats, compression, changes } = options;
  return publish(files, pipelineFolder, work.header.runId, lock, async (staging) => {
    const folders = { work: work.folder, staging };
    const task = { ...folders, formats, compression, changes, base: base && loadedBase(base) };
    const line = await startLoader(task, files);
    try {
      const { extraction, completeness, loaded } = await load(start, chunks, line);
      const made = manifestOf({ ...start, extraction }, completeness, loaded);
      const manifest = options.report ? await addReport(start, staging, made) : made;
      warnOf(manifest, effects);
      return manifest;
    } finally {
      await line.close();
    }
  });
}

/** Has the rows made durable and loaded, and judges what came of it. */
async function load(start: RunStart, chunks: AsyncIterable<RowChunk>, line: LoaderLine) {
  const { options, effects, work, latest } = start;
  for (let index = 0; index < work.parts; index++) line.part(index);
  let { extraction } = start;
  await storeParts(start, chunks, line);
  if (extraction.isIncrement && !extraction.completeness?.proven) {
    log(effects, 'info', `reading everything: ${extraction.completeness?.reason}`);
    extraction = await start.readWhole();
    const rowsFound = extraction.ledger.size;
    const whole = { ...start, extraction, walkFound: null, rowsFound };
    await storeParts(whole, extraction.chunks(), line);
  }
  const completeness = judge(options, extraction.completeness);
  const { isIncrement, gone } = extraction;
  letGo(extraction.ledger.forget());
  const loaded = await line.finish(isIncrement ? { gone } : { full: true });
  judgeRejects(options, loaded);
  const shrinks = mutableFilters(options.filters).length > 0 ? undefined : MAX_SHRINK;
  const refused = guardShrink(latest?.manifest, loaded.rows, {
    allowShrink: options.allowShrink || start.isOther,
    maxShrink: options.maxShrink ?? shrinks,
  });
  if (refused !== undefined) {
    await work.refuse();
    throw refused;
  }
  return { extraction, completeness, loaded };
}

/** Makes parts of what comes in, each durable before the loader is told of it. */
async function storeParts(
  { work, costs, options, ...start }: RunStart,
  chunks: AsyncIterable<RowChunk>,
  line: LoaderLine,
): Promise<void> {
  const encoder = new PartEncoder(arrowSchema(columnsWithout(options.without)));
  const transformer = new RowsTransformer(PART_ROWS, JOB_COLUMNS, options.without);
  let jobs = start.rowsFound;
  const tell = (rows: number) => {
    jobs += rows;
    const { requests, retries } = costs();
    const [total, { inFlight }] = [start.extraction.totals.last, start.client.stats];
    start.effects.emit({ type: 'progress', jobs, total, requests, retries, inFlight });
  };
  for await (const step of toSteps(chunks, start.walkFound, tell)) {
    const { rows, setAside, settled, walk } = step;
    for (const row of inOrder(rows)) transformer.push(row);
    const { batch, rejects } = transformer.finish();
    const aside = rejects.map(({ reason, record }) => {
      return { reason, offset: null, raw: Buffer.from(record.toString()) };
    });
    const lines = Buffer.from([...aside, ...setAside].map(rejectLine).join(''));
    const again = [...step.again, ...setAside.flatMap(idsIn)];
    const state = { walk, costs: { ...costs() } };
    // Waited for: what is taken meanwhile would be lost with it. The read-ahead goes on.
    const bytes = encoder.encode({ batch, rejects: lines, again, settled, state });
    line.part(await work.append(bytes));
    letGo(bytes.length);
  }
}

/** What the loader is told of the snapshot to go on from or to compare with. */
function loadedBase({ folder, manifest, index, trustedBefore }: Base): LoadTask['base'] {
  const { files, anomalies, tool } = manifest;
  const canCopy = tool.version === TOOL.version;
  const lateBefore = trustedBefore;
  return { folder, files, anomalies, canCopy, lateBefore, ...(index && { index }) };
}

/** A report is no reason to lose a snapshot: whatever goes wrong with it is a warning. */
async function addReport({ options, effects }: RunStart, folder: string, manifest: Manifest) {
  const { files } = effects;
  const { REPORT_FILES, writeReport } = await import('../report/report.ts');
  try {
    const written = await writeReport({ folder, files, timeZone: options.timeZone, manifest });
    return { ...manifest, files: [...manifest.files, ...written] };
  } catch (error) {
    log(effects, 'warn', `published without a report: ${messageOf(error)}`);
    for (const name of REPORT_FILES) await files.remove(join(folder, name));
    return manifest;
  }
}

/** Tells of what an incremental export had taken on trust and what was not so. */
function warnOf({ audit }: Manifest, effects: Effects): void {
  if (audit === undefined || audit.changed + audit.late === 0) return;
  const message =
    `since the last snapshot ${audit.changed} jobs changed that had ended, and ${audit.late} appeared late: an ` +
    'incremental export would have missed them; choose a shorter --full-every, or a longer --overlap';
  log(effects, 'warn', message);
}

/** What becomes one part. */
interface Step {
  readonly rows: RawJob[];
  readonly again: string[];
  readonly setAside: SetAside[];
  settled: Micros | null;
  walk: JsonValue;
}

/**
 * Cuts what comes in into parts, wherever possible between two chunks: what a chunk is followed by holds its state. Of a
 * chunk that is too large for one part the last holds it.
 *
 * @param walkFound the state to go on from; undefined: there is no part yet, and will be one in the end, even of nothing
 * @param tell told of the rows of each chunk
 */
async function* toSteps(
  chunks: AsyncIterable<RowChunk>,
  walkFound: JsonValue | undefined,
  tell: (rows: number) => void,
): AsyncGenerator<Step> {
  const follow = ({ settled, walk }: Pick<Step, 'settled' | 'walk'>): Step => {
    return { rows: [], again: [], setAside: [], settled, walk };
  };
  let step = follow({ settled: null, walk: walkFound ?? null });
  let [bytes, answers] = [0, 0];
  let isWanted = walkFound === undefined;
  let state = (): JsonValue => step.walk;

  function take(walk = step.walk): Step {
    const taken = { ...step, walk };
    step = follow(taken);
    [bytes, answers, isWanted] = [0, 0, false];
    return taken;
  }

  try {
    for await (const chunk of chunks) {
      tell(chunk.rows.length);
      const before = bytes;
      step.again.push(...chunk.again);
      for (const row of chunk.rows) {
        if (step.rows.length === PART_ROWS || bytes > PART_BYTES) yield take();
        step.rows.push(chunk.rows.length < FEW_ROWS ? row.copy() : row);
        bytes += row.byteLength;
      }
      step.setAside.push(...chunk.setAside);
      step.settled = chunk.settled;
      state = chunk.state;
      answers++;
      const count = step.rows.length;
      const nextMayNotFit =
        count + chunk.rows.length > PART_ROWS || 2 * bytes - before > PART_BYTES;
      if (nextMayNotFit || (count === 0 && answers >= IDLE_ANSWERS)) yield take(state());
    }
  } catch (error) {
    // What came in before the failure is kept for the next start.
    if (step.rows.length > 0) yield take(state());
    throw error;
  }
  if (answers > 0 || isWanted) yield take(state());
}

const UPDATED_AT = JOB_FIELDS.indexOf('updated_at');

/** The rows by creation time and id, of each job the newest version. */
function inOrder(rows: readonly RawJob[]): readonly RawJob[] {
  const placed = rows.map((row) => ({ row, key: keyOf(row) }));
  const compare = (a: { key: RowKey }, b: { key: RowKey }) => compareKeys(a.key, b.key);
  if (placed.every((row, at) => at === 0 || compare(placed[at - 1], row) < 0)) return rows;
  const inPlace: typeof placed = [];
  for (const row of placed.toSorted(compare)) {
    const last = inPlace.at(-1);
    const isSame = last !== undefined && row.key.id.length > 0 && compare(last, row) === 0;
    if (!isSame) inPlace.push(row);
    else if (!isNewer(last.row, row.row)) inPlace[inPlace.length - 1] = row;
  }
  return inPlace.map(({ row }) => row);
}

/** Whether `job` was updated after `other`, another version of the same job. */
function isNewer(job: RawJob, other: RawJob): boolean {
  const [time, otherTime] = [job.instant(UPDATED_AT), other.instant(UPDATED_AT)];
  return time !== null && (otherTime === null || time > otherTime);
}

/** The id of what was set aside, where it has one all the same: a row may have it too. */
function idsIn({ raw }: SetAside): string[] {
  const id = raw ? RawJob.fromReject(Buffer.from(raw).toString('utf8'))?.id : undefined;
  return id ? [id] : [];
}

/** One line of `rejects.ndjson`: what was sent is text in it, as it came. */
function rejectLine({ reason, offset, raw }: SetAside): string {
  const isText = raw === null || isUtf8(raw);
  const text = raw && Buffer.from(raw).toString(isText ? 'utf8' : 'base64');
  return `${JSON.stringify({ reason, offset, ...(isText ? { raw: text } : { base64: text }) })}\n`;
}

/**
 * Whether what was fetched may be published.
 *
 * @throws ExportError (65) when completeness is not proven. The work stays: the same command with another limit publishes
 *   it without fetching it again.
 */
function judge(
  { allowIncomplete }: ExportOptions,
  completeness: Completeness | undefined,
): Completeness {
  if (!completeness) throw new Error('the walk ended without a verdict');
  if (completeness.proven || allowIncomplete) return completeness;
  throw new ExportError(
    `Completeness could not be proven: ${completeness.reason}. Nothing was published. Run the same command again when ` +
      'the jobs change less, or publish anyway with --allow-incomplete; what was fetched is kept.',
    { exitCode: EXIT.data, stage: 'extract', retryable: true },
  );
}

/** Reasons of rejects that an error names. */
const MOST_REASONS = 10;

/** @throws ExportError (65) when more rows were set aside than allowed. The work stays. */
function judgeRejects({ maxRejects }: ExportOptions, { rejects }: Loaded): void {
  const count = rejectsIn(rejects);
  if (count <= maxRejects) return;
  const kinds = Object.entries(rejects).map(([reason, rows]) => `${rows} of them ${reason}`);
  const more = kinds.length > MOST_REASONS ? [`${kinds.length - MOST_REASONS} more reasons`] : [];
  const reasons = [...kinds.slice(0, MOST_REASONS), ...more];
  throw new ExportError(
    `${count} rows cannot be exported, more than --max-rejects ${maxRejects} allows (${reasons.join('; ')}). ` +
      `Nothing was published. To publish the others, run the same command with --max-rejects ${count}: what ` +
      'was fetched is kept, and these rows go to rejects.ndjson. To fetch them anew, add --restart.',
    { exitCode: EXIT.data, stage: 'transform' },
  );
}

function rejectsIn(rejects: Loaded['rejects']): number {
  return Object.values(rejects).reduce((sum, rows) => sum + rows, 0);
}

function manifestOf(
  { options, effects, work, extraction, costs, base }: RunStart,
  completeness: Completeness,
  { files, rejects, audit, changes, ...loaded }: Loaded,
): Manifest {
  const { isIncrement, totals, ledger } = extraction;
  const { runId, startedAt, resumed, dates } = work.header;
  const { seconds, ...spent } = costs();
  const trusted = isIncrement && { trusted: TRUSTED };
  const full = base && isIncrement && { lastFull: lastFull(base.manifest) };
  return {
    schemaVersion: 1,
    formatVersion: FORMAT_VERSION,
    tool: TOOL,
    pipeline: options.pipeline,
    runId,
    ...identityOf(options),
    ...(dates && Object.keys(dates).length > 0 && { dates }),
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(effects.clock.wall()).toISOString(),
    seconds,
    resumed,
    serverTotal: { first: Math.max(0, totals.first), last: totals.last },
    rows: loaded.rows,
    idChecksum: loaded.idChecksum,
    duplicates: ledger.duplicates,
    repairs: completeness.found,
    rejects: rejectsIn(rejects),
    anomalies: loaded.anomalies,
    completeness: { ...completeness, ...trusted },
    ...(base && { base: { runId: base.manifest.runId, ...full } }),
    ...(changes && { changes }),
    ...(audit && { audit: { ...audit } }),
    ...spent,
    columns: describeColumns(columnsWithout(options.without)),
    files: [...files],
  };
}
