import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { type Column, duration, Html, html, plain, table } from './html.ts';

use([BarChart, LineChart, GridComponent, SVGRenderer]);

/** Of each look of a series, whose colour is in style.ts, the pattern of its bars: no meaning rests on colour alone. */
const PATTERNS = {
  done: '',
  error: 'M-2 2l4 -4M0 8l8 -8M6 10l4 -4',
  timed_out: 'M0 0l8 8M8 0l-8 8',
  canceled: 'M2 2h1.6M6 6h1.6',
  running: 'M0 4h8',
  pending: 'M4 0v8',
  other: 'M-2 6l4 4M0 0l8 8M6 -2l4 4',
} as const;
export type Look = keyof typeof PATTERNS;

/** What is drawn of each row; null and undefined are nothing. */
interface Measure<Row> {
  readonly name: string;
  readonly value: (row: Row) => number | null | undefined;
}

export interface Series<Row> extends Measure<Row> {
  readonly look: Look;
  /** Of its line: lengths of strokes and gaps. */
  readonly dash?: readonly number[];
}

export interface Chart<Row> {
  /** Unique in the page. */
  readonly id: string;
  /** What is seen. */
  readonly title: string;
  /** `stack`: bars on each other. */
  readonly kind: 'stack' | 'lines';
  /** What the values are: `count` of jobs, `hours`, `seconds` on a logarithmic axis, `share` between 0 and 1. */
  readonly unit: 'count' | 'hours' | 'seconds' | 'share';
  readonly series: readonly Series<Row>[];
  /** More columns of the table. */
  readonly more?: readonly Measure<Row>[];
}

/** The rows that a chart is drawn of. */
export interface Drawn<Row> {
  /** Window and step: `Last 28 days, by day`. */
  readonly subtitle: string;
  readonly rows: readonly Row[];
  /** The first column of the table. */
  readonly along: Column<Row>;
  /** What stands at the axis. */
  readonly label: (row: Row) => string;
}

const INK = { color: 'var(--text)', fontSize: 12 } as const;
/** Shorter times are drawn as this long, seconds: a logarithm of nothing is none. */
const LEAST = 0.1;
/** Ticks that people think in, seconds. */
const TICKS = [LEAST, 1, 10, 60, 600, 3600, 36_000, 86_400, 604_800, 2_592_000, 31_536_000];

const SIZES = [
  { size: 'wide', width: 620, height: 250 },
  { size: 'narrow', width: 350, height: 230 },
] as const;

/** A chart as a figure: drawn for a wide and for a narrow page, and as a table. */
export function figure<Row>(chart: Chart<Row>, drawn: Drawn<Row>): Html {
  const { id, title, kind, series, more = [] } = chart;
  const { subtitle, rows, along } = drawn;
  const isDrawn = (value: number | null | undefined) =>
    (kind === 'lines' ? (value ?? null) : value || null) !== null;
  const isEmpty = !series.some(({ value }) => rows.some((row) => isDrawn(value(row))));
  const columns = [...series, ...more].map(
    ({ name, value }): Column<Row> => [name, (row) => plain(value(row)), 'n'],
  );
  return html`<figure id="${id}"><figcaption><b>${subtitle}</b></figcaption>
${isEmpty ? html`<p class="empty">Nothing to draw here.</p>` : SIZES.map((size) => drawing(chart, drawn, size))}
<details><summary>Table<span class="hidden"> of ${title}, ${subtitle}</span></summary>${table(`${title}: ${subtitle}`, rows, along, ...columns)}</details></figure>`;
}

/** The names of series beside their looks. */
export function legend<Row>({ series, kind }: Chart<Row>): Html {
  const entries = series.map(({ name, look, dash = [] }) => {
    const mark =
      kind === 'stack'
        ? html`<svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="2" fill="url(#p-${look})"/></svg>`
        : html`<svg width="30" height="14" aria-hidden="true"><path d="M0 7h30" stroke="var(--c-${look})" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/></svg>`;
    return html`<li>${mark}${name}</li>`;
  });
  return html`<ul class="legend">${entries}</ul>`;
}

/** Without what only a page with scripts uses, and without the styles that a strict policy forbids. */
function drawing<Row>(
  chart: Chart<Row>,
  drawn: Drawn<Row>,
  { size, width, height }: (typeof SIZES)[number],
): Html {
  const canvas = init(null, null, { renderer: 'svg', ssr: true, width, height });
  canvas.setOption(optionOf(chart, drawn, width));
  const svg = canvas
    .renderToSVGString()
    .replace(/^<svg[^>]*>|<\/svg>\s*$|<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|style|ecmeta_\w+|pointer-events)="[^"]*"/g, '')
    .replace(/zr\d+-c/g, `${chart.id}-${size}-`);
  canvas.dispose();
  return html`<svg class="${size}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${chart.title}: ${drawn.subtitle}. The table below has the numbers.">${new Html(svg)}</svg>
`;
}

function optionOf<Row>(
  { kind, unit, series }: Chart<Row>,
  { rows, label }: Drawn<Row>,
  width: number,
): EChartsCoreOption {
  const mostLabels = width < 400 ? 4 : 8;
  const between = Math.max(0, Math.ceil(rows.length / mostLabels) - 1);
  const shown = (value: number | null | undefined) =>
    unit === 'seconds' && typeof value === 'number' ? Math.max(value, LEAST) : value;
  const drawn = series.map(({ value, ...look }) => {
    return { ...look, values: rows.map((row) => shown(value(row))) };
  });
  return {
    animation: false,
    grid: { left: 58, right: 14, top: 12, bottom: 28 },
    xAxis: {
      ...{ type: 'category', data: rows.map(label), boundaryGap: kind === 'stack' },
      ...{ axisTick: { show: false }, axisLine: { lineStyle: { color: 'var(--axis)' } } },
      axisLabel: { ...INK, interval: between, showMaxLabel: between === 0 },
    },
    yAxis: {
      ...{ type: 'value', splitNumber: 4, minInterval: unit === 'count' ? 1 : 0 },
      splitLine: { lineStyle: { color: 'var(--grid)' } },
      axisLabel: { ...INK, formatter: (value: number) => axisText(unit, value) },
      ...(unit === 'share' && { max: ({ max }: { max: number }) => (max > 0.6 ? 1 : null) }),
      ...(unit === 'seconds' && logarithmic(drawn.flatMap(({ values }) => values))),
    },
    series: drawn.map((one) => (kind === 'stack' ? bars(one, width) : line(one))),
  };
}

interface Values extends Pick<Series<never>, 'look' | 'dash'> {
  readonly values: readonly (number | null | undefined)[];
}

function bars({ look, values }: Values, width: number): object {
  const color = `url(#p-${look})`;
  const barCategoryGap = values.length * 9 > width ? '12%' : '28%';
  return {
    type: 'bar',
    stack: 'all',
    silent: true,
    data: values,
    itemStyle: { color },
    barCategoryGap,
  };
}

/** Where there are few values, or a value has no neighbours to draw a line to, it is a dot. */
function line({ look, dash, values }: Values): object {
  const color = `var(--c-${look})`;
  const isDot = (at: number) =>
    values.length <= 40 || (values[at - 1] ?? values[at + 1] ?? null) === null;
  const data = values.map((value, at) => ({
    value,
    symbol: isDot(at) ? 'circle' : 'none',
  }));
  return {
    ...{ type: 'line', silent: true, symbolSize: 5, data, itemStyle: { color } },
    lineStyle: { color, width: 2, type: dash ?? 'solid' },
  };
}

/** From the tick below all values to the one above. */
function logarithmic(values: Values['values']): object {
  const seen = values.filter((value) => typeof value === 'number');
  const min = TICKS.findLast((tick) => tick <= Math.min(...seen)) ?? LEAST;
  const max = TICKS.find((tick) => tick > min && tick >= Math.max(...seen)) ?? TICKS.at(-1);
  const customValues = TICKS.filter((tick) => tick >= min && tick <= Number(max));
  const formatter = (value: number) => duration(Math.round(value * 10) / 10);
  const axisTick = { show: false, customValues };
  return { type: 'log', min, max, axisTick, axisLabel: { ...INK, customValues, formatter } };
}

function axisText(unit: Chart<never>['unit'], value: number): string {
  if (unit === 'share') return `${Math.round(value * 1000) / 10}%`;
  const number = value.toLocaleString('en-US', { maximumFractionDigits: 2 });
  return unit === 'hours' ? `${number} h` : number;
}

/** The patterns of bars, once a page. Lines over the plain colour. */
export function patterns(): Html {
  const all = Object.entries(PATTERNS).map(
    ([name, lines]) =>
      html`<pattern id="p-${name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="var(--c-${name})"/><path d="${lines}" stroke="var(--hatch)" stroke-width="1.6" fill="none"/></pattern>`,
  );
  return html`<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>${all}</defs></svg>`;
}
