import { type Chart, type Drawn, figure, legend, type Series } from './charts.ts';
import { block, duration, type Html, html } from './html.ts';
import { type Answers, BIN_EDGES, STATUSES, WINDOWS } from './queries.ts';

type Window = (typeof WINDOWS)[number];

/** A chart of both windows. */
interface Pair<Row> extends Chart<Row> {
  readonly about?: string;
  /** What lies along it. */
  readonly axis: (rows: readonly Row[], window: Window) => Omit<Drawn<Row>, 'rows'>;
}

/** The same chart of both windows, side by side. */
function pair<Row extends { readonly name: string }>(
  rows: readonly Row[],
  { about, axis, ...chart }: Pair<Row>,
): Html {
  const { id, title, series } = chart;
  const figures = WINDOWS.map((window) => {
    const own = rows.filter(({ name }) => name === window.name);
    const drawn = { rows: own, ...axis(own, window) };
    return figure({ ...chart, id: `${id}-${window.id}` }, drawn);
  });
  return block(
    title,
    html`${about && html`<p>${about}</p>`}${series.length > 1 && legend(chart)}<div class="pair">${figures}</div>`,
  );
}

/** Days, weeks or months. */
function steps<Row extends { readonly step: string }>(rows: readonly Row[], { id, title }: Window) {
  const [first = 0, second = first] = rows.map(({ step }) => Date.parse(step) / 86_400_000);
  const grain = second - first > 7 ? 'month' : second - first > 1 ? 'week' : 'day';
  const year =
    id === 'recent' || grain === 'day' ? {} : ({ day: undefined, year: 'numeric' } as const);
  const style = { day: 'numeric', month: 'short', timeZone: 'UTC', ...year } as const;
  const { format } = new Intl.DateTimeFormat('en-GB', style);
  const heading = grain === 'day' ? 'Day' : `First day of the ${grain}`;
  return {
    subtitle: `${title}, by ${grain}`,
    along: [heading, ({ step }: Row) => step] as const,
    label: ({ step }: Row) => format(new Date(step)),
  };
}

/** Lengths of time, from one edge to the next. */
function bins<Row extends { readonly bin: number }>(_: readonly Row[], { title }: Window) {
  const from = ({ bin }: Row) => `from ${duration(BIN_EDGES[bin])}`;
  return { subtitle: `${title}, jobs by length`, along: ['Time', from] as const, label: from };
}

const QUANTILES = [
  { name: 'Median', look: 'done' },
  { name: '90% below', look: 'pending', dash: [7, 4] },
  { name: '99% below', look: 'timed_out', dash: [2, 3] },
] as const;

/** Jobs, machine time, queue and run times. */
export function usage({ jobs, qpu, times, distribution }: Answers): readonly Html[] {
  const statuses = [...STATUSES, 'other' as const].map((look): Series<(typeof jobs)[number]> => {
    const name = look.charAt(0).toUpperCase() + look.slice(1).replace('_', ' ');
    return { name, look, value: (row) => row[look] };
  });
  const machine = { kind: 'stack', unit: 'hours', axis: steps } as const;
  const quantiles = (id: string, title: string, column: 'waits' | 'runs') =>
    pair(times, {
      ...{ id, title, kind: 'lines', unit: 'seconds', axis: steps },
      about: 'Half of the jobs created then took less than the median. The scale is logarithmic.',
      series: QUANTILES.map((one, at) => ({ ...one, value: (row) => row[column]?.[at] })),
      more: [{ name: 'Jobs', value: (row) => row.jobs }],
    });
  const spread = (id: 'waits' | 'runs', title: string) =>
    pair(distribution, {
      ...{ id, title, kind: 'stack', unit: 'count', axis: bins },
      series: [{ name: 'Jobs', look: 'done', value: (row) => row[id] }],
      more: [{ name: 'From, seconds', value: ({ bin }) => BIN_EDGES[bin] }],
    });
  return [
    pair(jobs, {
      ...{ id: 'jobs', title: 'Jobs created, by status' },
      ...{ kind: 'stack', unit: 'count', axis: steps },
      series: statuses.filter(({ value }) => jobs.some(value)),
      more: [{ name: 'All', value: (row) => row.jobs }],
    }),
    pair(qpu, {
      ...{ ...machine, id: 'qpu', title: 'QPU time, hours' },
      about: 'How long jobs ran, counted where they started.',
      series: [{ name: 'Hours', look: 'done', value: ({ hours }) => hours }],
    }),
    pair(qpu, {
      ...{ ...machine, id: 'cumulative', title: 'QPU time so far, hours', kind: 'lines' },
      series: [{ name: 'Hours so far', look: 'done', value: ({ cumulative }) => cumulative }],
    }),
    quantiles('queue', 'Queue time', 'waits'),
    spread('waits', 'How long jobs waited'),
    quantiles('run', 'Run time', 'runs'),
    spread('runs', 'How long jobs ran'),
  ];
}

/** How many failed of those that ended. */
export function failureRate({ times }: Answers): Html {
  return pair(times, {
    ...{ id: 'rate', title: 'Failure rate', kind: 'lines', unit: 'share', axis: steps },
    about:
      'Error or timed out, of the jobs created then that ended by themselves: cancelled ones do not count.',
    series: [{ name: 'Failure rate', look: 'error', value: ({ failure_rate }) => failure_rate }],
    more: [
      { name: 'Failed', value: ({ failed }) => failed },
      { name: 'Ended', value: ({ ended }) => ended },
    ],
  });
}
