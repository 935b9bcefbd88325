import { join } from 'node:path';
import * as v from 'valibot';
import { Extraction, isIncrement } from '../extract/extraction.ts';
import { createJobsClient, type JobsClient } from '../extract/http/client.ts';
import type { JsonValue } from '../json/checked-json.ts';
import { RawJob } from '../json/raw-job.ts';
import { type Effects, log } from '../platform/effects.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { TOOL } from '../platform/tool.ts';
import { sameExport } from '../publish/guard.ts';
import { checkLatest, finishPublication } from '../publish/publish.ts';
import { latestSnapshot, newRunId, retain, type Snapshot } from '../publish/snapshots.ts';
import { type Reached, withStatus } from '../publish/status.ts';
import { acquireLock, type Lock } from '../store/lock.ts';
import { ageOtherWork, openWork, type Work, workFolder } from '../store/work.ts';
import { type Base, findBase, fingerprint, groupsOf, identityOf } from './base.ts';
import type { ExportOptions, ExportResult } from './options.ts';

/**
 * Windows read ahead of the rows handed out, for each connection: one in flight, and a few that wait for their turn. More
 * would be a little faster, and would be fetched again after a kill.
 */
export const WINDOWS_AHEAD = 1.5;

/** Bytes of decoded pages that may wait: more would be memory that makes nothing faster, pages of 4 MB come 8 at a time. */
const BYTES_AHEAD = 32 * 1024 * 1024;

/** The state in a part. */
const StateSchema = v.object({
  walk: v.custom<JsonValue>((value) => value !== undefined),
  /** Of all starts so far; seconds are those of work. */
  costs: v.object({
    requests: v.number(),
    retries: v.number(),
    bytesReceived: v.number(),
    seconds: v.number(),
  }),
});

/** What a run has cost so far, over all its starts. */
export type Costs = v.InferOutput<typeof StateSchema>['costs'];

/** What one start of a run was given and has found. */
interface Opened {
  readonly options: ExportOptions;
  readonly effects: Effects;
  readonly pipelineFolder: string;
  readonly lock: Lock;
  /** The snapshot that `latest` names. */
  readonly latest: Snapshot | undefined;
  /** Whether that is an export of another kind, whose place this one is to take. */
  readonly isOther: boolean;
  readonly base: Base | undefined;
}

/** One start of a run, on its way. */
export interface RunStart extends Opened {
  readonly work: Work;
  readonly client: JobsClient;
  readonly extraction: Extraction;
  /** Reads everything, for when what a base lacks could not be told. */
  readonly readWhole: () => Promise<Extraction>;
  /** Where the walk stood behind the parts that were found; undefined when there are none. */
  readonly walkFound: JsonValue | undefined;
  /** Rows in the parts that were found. */
  readonly rowsFound: number;
  /** The costs of all starts so far. */
  readonly costs: () => Costs;
}

/**
 * Exports every job that the filters match into a new snapshot, or goes on with an interrupted export of the same.
 *
 * @param signal aborts the run, which then rejects with the signal's reason and stays resumable
 * @param onOpened told when there is work of this run to go on with
 * @throws ExportError with the exit code and the stage; the last published snapshot is untouched then
 */
export async function runExport(
  options: ExportOptions,
  effects: Effects,
  signal: AbortSignal,
  onOpened = () => {},
): Promise<ExportResult> {
  const { files, clock } = effects;
  const begun = clock.monotonic();
  const pipelineFolder = join(options.output, options.pipeline);
  const path = join(pipelineFolder, '.lock');
  const lock = await acquireLock({ files, clock, path, breakLock: options.breakLock });
  const reached: Reached = {};
  try {
    await checkLatest(files, pipelineFolder);
    const latest = await latestSnapshot(files, pipelineFolder);
    const another = sameExport(latest?.manifest, identityOf(options));
    if (another !== undefined && !options.replace) throw another;
    return await withStatus(effects, pipelineFolder, { reached, signal }, async () => {
      const base = await findBase(options, effects, latest);
      const isOther = another !== undefined;
      const opened = { options, effects, pipelineFolder, lock, latest, isOther, base };
      const work = await findWork(opened);
      onOpened();
      const { runId, dates } = work.header;
      reached.runId = runId;
      const filters = { ...options.filters, ...dates };
      const start = { ...opened, work, options: { ...options, filters } };
      const result =
        (await finishPublication(files, pipelineFolder, runId)) ??
        (await runUnderLock(start, reached, begun, signal));
      if (options.keep !== undefined) await retain(files, pipelineFolder, options.keep);
      await work.discard();
      // What this pipeline now has newer rows than, and would start afresh, nobody asks for again: windows that roll on.
      await ageWork(opened, work, options.resumeWithinMs);
      return result;
    });
  } finally {
    await lock.release();
  }
}

/** The unfinished work of this run, found or begun. The caller holds the pipeline's lock. */
async function findWork(opened: Opened): Promise<Work> {
  const { options, effects, pipelineFolder, base } = opened;
  const { restart, resumeWithinMs, allowShrink: takesRefused, relative } = options;
  const dates = Object.entries(relative ?? {}).map(([name, { at }]) => [name, at]);
  const own = fingerprint(options, base?.index && base.manifest.runId);
  const work = await openWork({
    ...{ files: effects.files, clock: effects.clock, restart, resumeWithinMs, takesRefused },
    published: opened.latest?.manifest,
    folder: workFolder(pipelineFolder, own),
    runId: await newRunId(effects, pipelineFolder),
    ...(dates.length > 0 && { dates: Object.fromEntries(dates) }),
  });
  for (const folder of await ageWork(opened, work)) {
    const other = 'another run of this pipeline, with other options, was interrupted';
    log(effects, 'info', `${other}; its work stays in ${folder}`);
  }
  const { header, parts, droppedParts } = work;
  if (header.resumed > 0) {
    log(effects, 'info', `resuming an interrupted run: ${parts} parts are here already`);
  }
  if (droppedParts > 0) {
    log(effects, 'warn', `${droppedParts} parts were lost or altered; they are fetched again`);
  }
  return work;
}

/** Removes the unfinished work of other runs that is too old. @returns the folders of what stays */
async function ageWork(
  { effects, latest }: Opened,
  { folder: own }: Work,
  keptForMs?: number,
): Promise<string[]> {
  const others = await ageOtherWork(effects, own, latest?.manifest.runId, keptForMs);
  for (const { folder } of others.filter(({ removed }) => removed)) {
    const what = 'removed the work of another run, published or too old to be resumed';
    log(effects, 'info', `${what}: ${folder}`);
  }
  return others.filter(({ removed }) => !removed).map(({ folder }) => folder);
}

async function runUnderLock(
  start: Opened & Pick<RunStart, 'work'>,
  reached: Reached,
  begun: number,
  signal: AbortSignal,
): Promise<ExportResult> {
  const { options, effects, work, base } = start;
  const client = openClient(options, effects, begun);
  const stop = new AbortController();
  try {
    const last = work.parts > 0 ? await work.read(work.parts - 1) : undefined;
    const state = last && v.parse(StateSchema, last.state);
    const walkFound = state?.walk ?? undefined;
    const { apiUrl, filters } = options;
    const inGroups = (ids: readonly string[]) => groupsOf(apiUrl, filters, ids);
    const groups = inGroups([...new Set(filters.id ?? [])]);
    const whole = {
      reader: {
        fetchPage: client.fetchPage,
        pageSize: options.pageSize,
        readAhead: { windows: Math.ceil(WINDOWS_AHEAD * options.concurrency), bytes: BYTES_AHEAD },
        signal: AbortSignal.any([signal, stop.signal]),
      },
      idPrefix: filters.idStartsWith ?? '',
      ...(groups.length > 1 && { idGroups: groups }),
      emit: effects.emit,
    };
    const goesOn = base?.index && (walkFound === undefined || isIncrement(walkFound));
    const extraction = new Extraction({
      ...whole,
      ...(goesOn && { base: { ...base, index: base.index, groupsOf: inGroups } }),
      ...(walkFound !== undefined && { resumeFrom: walkFound }),
    });
    // The rows of parts that were found must be in the ledger first; otherwise the first request goes out before the
    // heavy modules load.
    const rowsFound = await restore(work, extraction);
    const chunks = work.parts > 0 ? extraction.chunks() : startNow(extraction.chunks());
    const readWhole = async (): Promise<Extraction> => {
      const anew = new Extraction(whole);
      anew.ledger.restoreAside(extraction.ledger.asideHashes);
      await restore(work, anew);
      return anew;
    };
    const before = state?.costs ?? { requests: 0, retries: 0, bytesReceived: 0, seconds: 0 };
    const costs = (): Costs => ({
      requests: before.requests + client.stats.requests,
      retries: before.retries + client.stats.retries,
      bytesReceived: before.bytesReceived + client.stats.bytesReceived,
      seconds: Math.round(before.seconds * 1000 + effects.clock.monotonic() - begun) / 1000,
    });
    const { buildSnapshot } = await import('./snapshot.ts');
    const more = { client, extraction, readWhole, walkFound: state?.walk, rowsFound, costs };
    return await buildSnapshot({ ...start, ...more }, chunks);
  } finally {
    reached.requests = client.stats.requests;
    stop.abort(new ExportError('the run ended', { exitCode: EXIT.bug, stage: 'extract' }));
    await client.close();
  }
}

/** Puts the jobs of the parts that were found back in the extraction's hand. @returns their rows */
async function restore(work: Work, { ledger }: Extraction): Promise<number> {
  let rows = 0;
  for (let index = 0; index < work.parts; index++) {
    // When there is a part, not before the first request.
    const { Keys, textOf } = await import('../load/runs.ts');
    const { batch, rejects } = await work.read(index);
    const keys = new Keys(batch);
    const updated = batch.getChild('updated_at')?.data[0];
    for (let row = 0; row < batch.numRows; row++) {
      const updatedAt: bigint | null = updated?.getValid(row) ? updated.values[row] : null;
      ledger.restore(textOf(keys.id(row)), updatedAt);
    }
    rows += batch.numRows;
    for (const line of Buffer.from(rejects).toString('utf8').split('\n').slice(0, -1)) {
      // One that was set aside for what it lacks is a job; one that is no JSON is known by the hash of its bytes.
      const job = RawJob.fromReject(JSON.parse(line).raw);
      if (job) ledger.restoreRow(job);
    }
  }
  return rows;
}

/**
 * Starts an iteration at once: its first request is under way before anybody asks for the first value. A failure shows
 * when the first value is asked for.
 */
function startNow<T>(source: AsyncGenerator<T, void>): AsyncIterable<T> {
  const first = source.next();
  first.catch(() => {});
  async function* started() {
    try {
      for (let next = await first; !next.done; next = await source.next()) yield next.value;
    } finally {
      await source.return();
    }
  }
  return started();
}

/** @param begun monotonic milliseconds at the start of the run, from which the deadline counts */
export function openClient(options: ExportOptions, effects: Effects, begun: number): JobsClient {
  const { apiUrl, filters, credentials, concurrency, deadlineMs, proxy, resumeWithinMs } = options;
  const client = {
    ...{ apiUrl, filters, credentials, concurrency, proxy },
    userAgent: `${TOOL.name}/${TOOL.version}`,
    deadlineAt: begun + (deadlineMs ?? Infinity),
    giveUpAfterMs: resumeWithinMs || Infinity,
  };
  return createJobsClient(client, effects);
}
