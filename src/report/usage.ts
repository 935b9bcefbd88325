import { type Chart, figure, type Line, legend } from './charts.ts';
import { block, duration, type Html, html } from './html.ts';
import { type Answers, BIN_EDGES, STATUSES, WINDOWS } from './queries.ts';

interface Step {
  readonly name: string;
  readonly step: string;
}

/** A series, and what it takes from a row. */
interface Taken<Row> extends Line {
  readonly value: (row: Row) => number | null | undefined;
}

interface Pair<Row> extends Pick<Chart, 'title' | 'kind' | 'unit'> {
  readonly id: string;
  readonly about?: string;
  readonly rows: readonly Row[];
  readonly series: readonly Taken<Row>[];
  /** More columns of the table. */
  readonly more?: readonly Pick<Taken<Row>, 'name' | 'value'>[];
}

/** The same chart of both windows, side by side. */
function pair<Row extends Step>({ rows, series, more = [], ...chart }: Pair<Row>): Html {
  const figures = WINDOWS.map(({ name, id, title }) => {
    const own = rows.filter((row) => row.name === name);
    const grain = grainOf(own);
    return figure({
      ...chart,
      ...{ id: `${chart.id}-${id}`, subtitle: `${title}, by ${grain}` },
      along: grain === 'day' ? 'Day' : `First day of the ${grain}`,
      categories: own.map(({ step }) => step),
      labels: own.map(({ step }) => stepLabel(step, id === 'recent' || grain === 'day')),
      series: series.map((one) => ({ ...one, values: own.map(one.value) })),
      more: more.map((one) => ({ ...one, values: own.map(one.value) })),
    });
  });
  return block(
    chart.title,
    html`${chart.about && html`<p>${chart.about}</p>`}${series.length > 1 && legend(series, chart.kind)}<div class="pair">${figures}</div>`,
  );
}

/** What steps are of, by the days between them. */
function grainOf(rows: readonly Step[]): 'day' | 'week' | 'month' {
  const [first = 0, second = first] = rows.map(({ step }) => Date.parse(step) / 86_400_000);
  return second - first > 7 ? 'month' : second - first > 1 ? 'week' : 'day';
}

function stepLabel(step: string, isDay: boolean): string {
  const date = new Date(step);
  const month = date.toLocaleDateString('en-US', { month: 'short', timeZone: 'UTC' });
  return isDay ? `${date.getUTCDate()} ${month}` : `${month} ${date.getUTCFullYear()}`;
}

const STATUS_NAMES: Readonly<Record<(typeof STATUSES)[number], string>> = {
  ...{ done: 'Done', error: 'Error', timed_out: 'Timed out', canceled: 'Cancelled' },
  ...{ running: 'Running', pending: 'Pending' },
};
const QUANTILES = [
  { name: 'Median', look: 'done' },
  { name: '90% below', look: 'pending', dash: [7, 4] },
  { name: '99% below', look: 'timed_out', dash: [2, 3] },
] as const;
type JobsRow = Answers['jobs'][number];

/** Jobs, machine time, queue and run times. */
export function usage(answers: Answers): readonly Html[] {
  const { jobs, qpu, times } = answers;
  const statuses: readonly Taken<JobsRow>[] = [
    ...STATUSES.map((name) => ({
      ...{ name: STATUS_NAMES[name], look: name },
      value: (row: JobsRow) => row[name],
    })),
    { name: 'Other', look: 'other', value: ({ other }: JobsRow) => other },
  ];
  const quantiles = (column: 'waits' | 'runs') => ({
    ...({ rows: times, kind: 'lines', unit: 'seconds' } as const),
    about: 'Half of the jobs created then took less than the median. The scale is logarithmic.',
    series: QUANTILES.map((one, at) => ({
      ...one,
      value: (row: Answers['times'][number]) => row[column]?.[at],
    })),
    more: [{ name: 'Jobs', value: ({ jobs }: Answers['times'][number]) => jobs }],
  });
  const hours = { rows: qpu, unit: 'hours' } as const;
  return [
    pair({
      ...{ id: 'jobs', title: 'Jobs created, by status', kind: 'stack', unit: 'count' },
      ...{ rows: jobs, series: statuses.filter(({ value }) => jobs.some(value)) },
      more: [{ name: 'All', value: ({ jobs }) => jobs }],
    }),
    pair({
      ...{ ...hours, id: 'qpu', title: 'QPU time, hours', kind: 'stack' },
      about: 'How long jobs ran, counted where they started.',
      series: [{ name: 'Hours', look: 'done', value: ({ hours }) => hours }],
    }),
    pair({
      ...{ ...hours, id: 'cumulative', title: 'QPU time so far, hours', kind: 'area' },
      series: [{ name: 'Hours so far', look: 'done', value: ({ cumulative }) => cumulative }],
    }),
    pair({ ...quantiles('waits'), id: 'queue', title: 'Queue time' }),
    distribution(answers, 'waits', 'How long jobs waited'),
    pair({ ...quantiles('runs'), id: 'run', title: 'Run time' }),
    distribution(answers, 'runs', 'How long jobs ran'),
  ];
}

function distribution(answers: Answers, column: 'waits' | 'runs', title: string): Html {
  const labels = BIN_EDGES.map((from, at) => {
    const to = BIN_EDGES[at + 1];
    if (to === undefined) return `over ${duration(from)}`;
    return from === 0 ? `under ${duration(to)}` : `${duration(from)} – ${duration(to)}`;
  });
  const figures = WINDOWS.map((window) => {
    const own = answers.distribution.filter(({ name }) => name === window.name);
    return figure({
      ...{ id: `${column}-${window.id}`, title, subtitle: `${window.title}, share of jobs` },
      ...{ kind: 'rows', unit: 'count', along: 'Time', categories: labels, labels },
      series: [{ name: 'Jobs', look: 'done', values: own.map((row) => row[column]) }],
      more: [{ name: 'From, seconds', values: BIN_EDGES }],
    });
  });
  return block(title, html`<div class="pair">${figures}</div>`);
}

/** How many failed of those that ended. */
export function failureRate(answers: Answers): Html {
  return pair({
    ...{ id: 'rate', title: 'Failure rate', kind: 'lines', unit: 'share', rows: answers.times },
    about:
      'Error or timed out, of the jobs created then that ended by themselves: cancelled ones do not count.',
    series: [{ name: 'Failure rate', look: 'error', value: ({ failure_rate }) => failure_rate }],
    more: [
      { name: 'Failed', value: ({ failed }) => failed },
      { name: 'Ended', value: ({ ended }) => ended },
    ],
  });
}
