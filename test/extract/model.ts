import { Extraction } from '../../src/extract/extraction.ts';
import { idOf } from '../../src/extract/ledger.ts';
import type { FetchPage, PageAnswer } from '../../src/extract/page.ts';
import { RawJob } from '../../src/json/raw-job.ts';
import { ExportError } from '../../src/platform/errors.ts';
import type { ListAnswer, ListQuery } from './list-options.ts';
import { type Exporter, judge, table, tally, type Verdict } from './oracle.ts';
import { schedule } from './schedules.ts';

/** Times that a page short of its own total is asked for, as the client does. */
const SHORT_TRIES = 3;

/** The program behind the oracle's door: answers become pages, as the client makes them. */
export const program: Exporter = async (ask, { pageSize, readAhead }) => {
  const fetchPage: FetchPage = async ({ offset, limit, idStartsWith, ...query }) => {
    const { orderBy = 'created_at', direction = 'ASC' } = query;
    const asked: ListQuery = {
      ...{ offset, limit, orderBy, direction },
      ...(idStartsWith !== undefined && { idStartsWith }),
    };
    for (let left = SHORT_TRIES; ; left--) {
      const page = pageOf(await ask(asked), offset, limit);
      if (page.kind !== 'page' || !page.short || left <= 1) return page;
    }
  };
  const extraction = new Extraction({
    reader: {
      ...{ fetchPage, pageSize },
      readAhead: { windows: readAhead, bytes: 1e9 },
      signal: new AbortController().signal,
    },
    idPrefix: '',
    emit: () => {},
  });
  // A newer version of a row is no second job: the loader puts it in the place of the first.
  const ids = new Set<string>();
  try {
    for await (const { rows } of extraction.chunks()) for (const row of rows) ids.add(idOf(row));
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return { proven: false, method: `exit ${error.exitCode}`, ids: [...ids] };
  }
  const { proven = false, method = '' } = extraction.completeness ?? {};
  return { proven, method, ids: [...ids] };
};

function pageOf(answer: ListAnswer, offset: number, limit: number): PageAnswer {
  if (answer.kind === 'refused') return { ...answer, what: `refused (${answer.status})` };
  const { jobs, total } = answer;
  const rows = jobs.map((job) => RawJob.parse(JSON.stringify(job)));
  const short = rows.length < Math.min(limit, Math.max(0, total - offset));
  return { kind: 'page', rows, damaged: [], total, bytes: 100 * rows.length, short };
}

/** Judges the program by schedules `from` to `to`, or until the clock says `until`. */
export async function judgeAll(
  from: number,
  to: number,
  until = Number.POSITIVE_INFINITY,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (let seed = from; seed < to && performance.now() < until; seed++)
    verdicts.push(await judge(schedule(seed), program));
  return verdicts;
}

/** The verdicts by kind, as a table; and what of them must not be. */
export function summary(verdicts: readonly Verdict[]): { text: string; unmet: string[] } {
  const tallies = tally(verdicts);
  const unmet = tallies.filter(({ wrong, asExpected }) => wrong > 0 || !asExpected);
  return { text: table(tallies), unmet: unmet.map(({ kind }) => kind) };
}
