import * as v from 'valibot';
import { list } from '../json/checked-json.ts';

/** Numbers as DuckDB hands them out; counts are 64 bits wide there. */
const number = v.pipe(v.union([v.number(), v.bigint()]), v.transform(Number));
const some = v.nullable(number);
const text = v.string();
const texts = list(text);
/** Median, 90% and 99%, seconds. */
const quantiles = v.nullable(list(number));
/** A window, and a day, week or month of it. */
const STEP = { name: text, step: text };

/** Columns of one kind, by their names. */
function each<Kind extends v.GenericSchema, Name extends string>(
  kind: Kind,
  ...names: readonly Name[]
) {
  return v.entriesFromList(names, kind);
}

/** A question to the snapshot: its answer is a table of the page. */
interface Query<T extends v.ObjectEntries = v.ObjectEntries> {
  readonly row: v.ObjectSchema<T, undefined>;
  /** Begins with a comment that says what is asked. */
  readonly sql: string;
}

/** Tags the SQL of a question with the columns of its answer. */
function query<T extends v.ObjectEntries>(columns: T) {
  return (sql: TemplateStringsArray, ...values: readonly unknown[]): Query<T> => {
    return { row: v.object(columns), sql: String.raw({ raw: sql }, ...values).trimStart() };
  };
}

/** The windows that the charts show, by their names in the answers. */
export const WINDOWS = [
  { name: '28 days', id: 'recent', title: 'Last 28 days' },
  { name: 'all time', id: 'all', title: 'All time' },
] as const;

/** Statuses with a colour of their own. The set is open: all others are drawn as one. */
export const STATUSES = ['done', 'error', 'timed_out', 'canceled', 'running', 'pending'] as const;
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** Where the bars of the distributions begin, seconds. */
export const BIN_EDGES = [0, 1, 10, 30, 60, 300, 900, 3600, 10_800, 43_200, 86_400] as const;

const BINS = BIN_EDGES.slice(1).map((edge, rank) => `WHEN x < ${edge} THEN ${rank}`);
const NAMES = STATUSES.map((name) => `'${name.toUpperCase()}'`);
const STATUS_COUNTS = STATUSES.map(
  (name, at) => `count(*) FILTER (status = ${NAMES[at]}) AS ${name}`,
);
const WEEKDAY_COUNTS = WEEKDAYS.map(
  (name, rank) => `count(*) FILTER (weekday = ${rank + 1}) AS ${name}`,
);
const QUANTILES = '[0.5, 0.9, 0.99]';
const NEWEST = 'list(shown(id) ORDER BY created_at DESC, id)[:3] AS ids';

/** What the queries rest on; `stored_jobs` and so on, and the variables `as_of` and `zone` come before. */
export const VIEWS = `
CREATE OR REPLACE TEMP MACRO local(t) AS timezone(getvariable('zone'), t);
CREATE OR REPLACE TEMP MACRO minute(t) AS strftime(local(t), '%Y-%m-%d %H:%M');
CREATE OR REPLACE TEMP MACRO days_ago(n) AS getvariable('as_of') - to_days(n);
CREATE OR REPLACE TEMP MACRO share(part, whole) AS count(*) FILTER (part) / nullif(count(*) FILTER (whole), 0);
-- Texts of any length: what is cut says so.
CREATE OR REPLACE TEMP MACRO shown(t) AS
  CASE WHEN length(t) <= 200 THEN t ELSE left(t, 200) || '… (cut: ' || length(t) || ' characters)' END;
-- What is left of an error when ids and numbers are taken out.
CREATE OR REPLACE TEMP MACRO kind_of(t) AS left(trim(regexp_replace(regexp_replace(regexp_replace(left(t, 2000),
  '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\\b(0x)?[0-9a-fA-F]{8,}\\b', '#', 'g'),
  '[0-9]+([.,][0-9]+)*', '#', 'g'), '\\s+', ' ', 'g')), 200);
CREATE OR REPLACE TEMP MACRO bin_of(x) AS CASE ${BINS.join(' ')} WHEN x IS NOT NULL THEN ${BINS.length} END;
CREATE OR REPLACE TEMP MACRO step_of(grain, t) AS
  CASE grain WHEN 'day' THEN t::DATE WHEN 'week' THEN date_trunc('week', t)::DATE WHEN 'month' THEN date_trunc('month', t)::DATE END;
-- Durations that cannot be (negative, of implausible times, ending after the snapshot) count as unknown.
-- Of the jobs that ended by themselves some failed; a cancelled one says nothing of the machine.
CREATE OR REPLACE TEMP VIEW jobs AS
SELECT id, batch_id, project_id, status, errors, anomalies, created_at, start_timestamp,
       NOT coalesce(is_final, false) AS is_open,
       status IN ('ERROR', 'TIMED_OUT') AS failed,
       status IN ('DONE', 'ERROR', 'TIMED_OUT') AS ended,
       coalesce(list_has_any(anomalies, ['implausible:created_at', 'implausible:start_timestamp']), false) AS odd_start,
       odd_start OR coalesce(list_contains(anomalies, 'implausible:end_timestamp'), false) AS odd_end,
       CASE WHEN queue_seconds >= 0 AND NOT odd_start AND start_timestamp < days_ago(-1) THEN queue_seconds END AS wait,
       CASE WHEN run_seconds >= 0 AND NOT odd_end AND end_timestamp < days_ago(-1) THEN run_seconds END AS run,
       (queue_seconds IS NOT NULL AND wait IS NULL) OR (run_seconds IS NOT NULL AND run IS NULL) AS impossible
FROM stored_jobs;
CREATE OR REPLACE TEMP VIEW open_jobs AS
SELECT id, status, project_id, CASE status WHEN 'PENDING' THEN 'Waiting' WHEN 'RUNNING' THEN 'Running' ELSE 'In another state' END AS state,
       CASE WHEN status = 'RUNNING' AND start_timestamp >= created_at THEN start_timestamp ELSE created_at END AS since,
       greatest(0, epoch_us(getvariable('as_of')) - epoch_us(since)) / 1e6 AS age
FROM jobs WHERE is_open;
-- What charts of all time begin with: a single date of 1970 must not flatten the others.
CREATE OR REPLACE TEMP TABLE axis AS
SELECT coalesce(min(created_at), getvariable('as_of')) AS since FROM stored_jobs
WHERE created_at BETWEEN days_ago(3653) AND getvariable('as_of');
-- Bars and lines are drawn in steps of so much.
CREATE OR REPLACE TEMP TABLE windows AS
SELECT 1 AS rank, '28 days' AS name, days_ago(28) AS since, days_ago(-1) AS until, 'day' AS bars, 'day' AS lines
UNION ALL SELECT 2, '28 days before', days_ago(56), days_ago(28), NULL, NULL
UNION ALL SELECT 3, 'all time', since, NULL, CASE WHEN since > days_ago(60) THEN 'day' WHEN since > days_ago(500) THEN 'week' ELSE 'month' END,
       CASE WHEN since > days_ago(60) THEN 'day' ELSE 'week' END FROM axis;
-- The steps of the charts, those without jobs too.
CREATE OR REPLACE TEMP TABLE steps AS
SELECT name, kind, unnest(generate_series(step_of(grain, local(since)), local(getvariable('as_of')),
       CASE grain WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY ELSE INTERVAL 1 MONTH END))::DATE AS step
FROM (UNPIVOT (SELECT name, since, bars, lines FROM windows) ON bars, lines INTO NAME kind VALUE grain);
-- Each job in each window in which it was created (c) or started (s): machine time counts where a job started.
CREATE OR REPLACE TEMP VIEW in_windows AS
SELECT 'all time' AS name, true AS c, start_timestamp IS NOT NULL AS s, jobs.* FROM jobs
UNION ALL
SELECT name, created_at >= since AND created_at < until, coalesce(start_timestamp >= since AND start_timestamp < until, false), recent.*
FROM (FROM jobs WHERE created_at >= days_ago(56) OR start_timestamp >= days_ago(56)) AS recent, windows
WHERE name <> 'all time' AND ((created_at >= since AND created_at < until) OR (start_timestamp >= since AND start_timestamp < until));
CREATE OR REPLACE TEMP TABLE windowed AS
SELECT name, status, failed, ended, wait, run, c, s, hour(created) AS hour, isodow(created) AS weekday,
       step_of(bars, created) AS bar, step_of(bars, local(start_timestamp)) AS start_bar, step_of(lines, created) AS line
FROM (SELECT *, local(created_at) AS created FROM in_windows JOIN windows USING (name));`;

export const QUERIES = {
  headline: query({
    ...{ name: text, waits: quantiles },
    ...each(number, 'jobs', 'qpu_seconds'),
    ...each(some, 'failure_rate', 'expansion'),
  })`
-- The window of 28 days, the 28 days before it, all time. Times in seconds.
SELECT name, count(*) FILTER (c) AS jobs, share(c AND failed, c AND ended) AS failure_rate,
       quantile_cont(wait, ${QUANTILES}) FILTER (c) AS waits,
       sum(wait + run) FILTER (c) / nullif(sum(run) FILTER (c AND wait IS NOT NULL), 0) AS expansion,
       coalesce(sum(run) FILTER (s), 0) AS qpu_seconds
FROM windows LEFT JOIN windowed USING (name) GROUP BY name, rank ORDER BY rank`,
  statuses: query({ status: text, ...each(number, 'recent', 'jobs') })`
-- Jobs by status as sent.
SELECT shown(windowed.status) AS status, count(*) FILTER (name = '28 days') AS recent, count(*) FILTER (name = 'all time') AS jobs
FROM windowed WHERE c GROUP BY windowed.status ORDER BY jobs DESC, status LIMIT 12`,
  jobs: query({ ...STEP, ...each(number, 'jobs', ...STATUSES, 'other') })`
-- Jobs by status, by day, week or month.
SELECT name, step::VARCHAR AS step, count(status) AS jobs, ${STATUS_COUNTS.join(', ')},
       count(*) FILTER (status NOT IN (${NAMES.join(', ')})) AS other
FROM steps LEFT JOIN (SELECT name, bar AS step, status FROM windowed WHERE c) USING (name, step)
WHERE kind = 'bars' GROUP BY ALL ORDER BY name, step`,
  qpu: query({ ...STEP, ...each(number, 'hours', 'cumulative') })`
-- Machine time by the day, week or month in which jobs started, hours.
SELECT name, step::VARCHAR AS step, coalesce(hours, 0) AS hours, coalesce(sum(hours) OVER (PARTITION BY name ORDER BY step), 0) AS cumulative
FROM steps LEFT JOIN (SELECT name, start_bar AS step, sum(run) / 3600 AS hours FROM windowed WHERE s GROUP BY ALL) USING (name, step)
WHERE kind = 'bars' ORDER BY name, step`,
  times: query({
    ...STEP,
    ...each(number, 'jobs', 'ended', 'failed'),
    ...{ waits: quantiles, runs: quantiles, failure_rate: some },
  })`
-- Queue time, run time and failures by day or week of creation. Times in seconds.
SELECT name, step::VARCHAR AS step, coalesce(jobs, 0) AS jobs, waits, runs, coalesce(ended, 0) AS ended, coalesce(failed, 0) AS failed, failure_rate
FROM steps LEFT JOIN (SELECT name, line AS step, count(*) AS jobs, share(failed, ended) AS failure_rate,
         count(*) FILTER (ended) AS ended, count(*) FILTER (failed) AS failed,
         quantile_cont(wait, ${QUANTILES}) AS waits, quantile_cont(run, ${QUANTILES}) AS runs
       FROM windowed WHERE c GROUP BY ALL) USING (name, step)
WHERE kind = 'lines' ORDER BY name, step`,
  distribution: query({ name: text, ...each(number, 'bin', 'waits', 'runs') })`
-- Jobs by queue time and by run time. The bins begin at ${BIN_EDGES.join(', ')} seconds.
SELECT name, bin, coalesce(waits, 0) AS waits, coalesce(runs, 0) AS runs
FROM windows CROSS JOIN range(${BIN_EDGES.length}) AS bins(bin)
LEFT JOIN (SELECT name, bin_of(wait) AS bin, count(*) AS waits FROM windowed WHERE c GROUP BY ALL) USING (name, bin)
LEFT JOIN (SELECT name, bin_of(run) AS bin, count(*) AS runs FROM windowed WHERE c GROUP BY ALL) USING (name, bin)
WHERE bars IS NOT NULL ORDER BY rank, bin`,
  errors: query({
    ...each(text, 'kind', 'last', 'example'),
    ...{ ...each(number, 'recent', 'jobs'), ids: texts },
  })`
-- Error texts without ids and numbers, by the jobs that have them.
SELECT kind, count(*) FILTER (created_at >= days_ago(28) AND created_at < days_ago(-1)) AS recent, count(*) AS jobs,
       minute(max(created_at)) AS last, list(example ORDER BY created_at DESC, id)[1] AS example, ${NEWEST}
FROM (SELECT id, created_at, kind_of(error) AS kind, min(shown(error)) AS example
      FROM (SELECT id, created_at, unnest(errors) AS error FROM stored_jobs WHERE len(errors) > 0)
      WHERE error IS NOT NULL GROUP BY id, created_at, kind)
GROUP BY kind ORDER BY recent DESC, jobs DESC, kind LIMIT 10`,
  top: query({ ...each(text, 'name', 'kind', 'measure', 'id'), ...each(number, 'value', 'jobs') })`
-- Projects and batches with the most jobs, the most machine time (seconds), the longest median queue time (seconds).
SELECT name, kind, measure, shown(owner) AS id, value, jobs
FROM (SELECT name, kind, owner, jobs, unnest(['jobs', 'qpu', 'wait']) AS measure, unnest([jobs::DOUBLE, qpu, wait]) AS value
      FROM (SELECT name, CASE grouping_id(batch_id) WHEN 0 THEN 'batch' ELSE 'project' END AS kind, coalesce(batch_id, project_id) AS owner,
                   count(*) FILTER (c) AS jobs, sum(run) FILTER (s) AS qpu, median(wait) FILTER (c) AS wait
            FROM in_windows WHERE name <> '28 days before' GROUP BY GROUPING SETS ((name, project_id), (name, batch_id))))
WHERE value > 0 QUALIFY row_number() OVER (PARTITION BY name, kind, measure ORDER BY value DESC, owner) <= 5
ORDER BY name, kind, measure, value DESC, owner`,
  hours: query({ name: text, ...each(number, 'hour', ...WEEKDAYS) })`
-- Jobs created, by weekday and hour of the time zone.
SELECT name, hour, ${WEEKDAY_COUNTS.join(', ')}
FROM windows CROSS JOIN range(24) AS hours(hour) LEFT JOIN (SELECT name, hour, weekday FROM windowed WHERE c) USING (name, hour)
WHERE bars IS NOT NULL GROUP BY name, rank, hour ORDER BY rank, hour`,
  open: query({ state: text, jobs: number, ...each(some, 'age_50', 'age_max') })`
-- Jobs that are not final: waiting since they were created, running since they started. Seconds.
SELECT state, count(id) AS jobs, median(age) AS age_50, max(age) AS age_max
FROM (VALUES (1, 'Waiting'), (2, 'Running'), (3, 'In another state')) AS states(rank, state)
LEFT JOIN open_jobs USING (state) GROUP BY state, rank ORDER BY rank`,
  oldest: query({ ...each(text, 'id', 'status', 'project_id', 'since'), age: number })`
-- The ten oldest that wait or run.
SELECT shown(id) AS id, shown(status) AS status, shown(project_id) AS project_id, minute(since) AS since, age
FROM open_jobs WHERE status IN ('PENDING', 'RUNNING') ORDER BY age DESC, open_jobs.id LIMIT 10`,
  changes: query({
    ...each(text, 'change', 'status'),
    ...{ previous_status: v.nullable(text), jobs: number, ids: texts },
  })`
-- What changed since the snapshot before, if that is known.
SELECT change, shown(changes.previous_status) AS previous_status, shown(changes.status) AS status, count(*) AS jobs, ${NEWEST}
FROM stored_changes AS changes GROUP BY change, changes.previous_status, changes.status ORDER BY jobs DESC, change, status, previous_status LIMIT 20`,
  changed: query(each(number, 'created', 'updated', 'deleted', 'failed'))`
-- The same in sums; "failed": came to fail.
SELECT count(*) FILTER (change = 'created') AS created, count(*) FILTER (change = 'updated') AS updated, count(*) FILTER (change = 'deleted') AS deleted,
       count(*) FILTER (change <> 'deleted' AND status IN ('ERROR', 'TIMED_OUT') AND previous_status IS DISTINCT FROM status) AS failed
FROM stored_changes`,
  anomalies: query({ anomaly: text, jobs: number, ids: texts })`
-- What is odd about rows.
SELECT shown(anomaly) AS anomaly, count(DISTINCT id) AS jobs, ${NEWEST}
FROM (SELECT id, created_at, unnest(anomalies) AS anomaly FROM jobs WHERE len(anomalies) > 0)
GROUP BY ALL ORDER BY jobs DESC, anomaly LIMIT 20`,
  rejects: query({ reason: text, records: number, example: v.nullable(text) })`
-- What could not be a row.
SELECT shown(reason) AS reason, count(*) AS records, min(shown(raw)) AS example
FROM stored_rejects GROUP BY ALL ORDER BY records DESC, reason LIMIT 10`,
  left_out: query(each(number, 'outside', 'durations'))`
-- What the charts leave out: jobs created outside of their axis, durations that cannot be.
SELECT count(*) FILTER (created_at < since OR created_at >= days_ago(-1)) AS outside,
       count(*) FILTER (impossible) AS durations
FROM axis, jobs`,
} as const satisfies Readonly<Record<string, Query>>;

export type Answers = {
  readonly [Name in keyof typeof QUERIES]: readonly v.InferOutput<(typeof QUERIES)[Name]['row']>[];
};
