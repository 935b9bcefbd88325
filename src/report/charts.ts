import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { type Content, Html, html, percent, plain, table } from './html.ts';

use([BarChart, LineChart, GridComponent, SVGRenderer]);

/** The look of a series: a colour of style.ts, and a pattern or a dash, so that no meaning rests on colour alone. */
export type Look = keyof typeof LOOKS;

/**
 * What is drawn is in these made-up colours, which the page then replaces by its own: light or dark, filled with a
 * pattern or not.
 */
const LOOKS = {
  ...{ done: '#0000c0', error: '#0000c1', timed_out: '#0000c2', canceled: '#0000c3' },
  ...{ running: '#0000c4', pending: '#0000c5', other: '#0000c6' },
} as const;
const INK = { text: '#0000e0', grid: '#0000e1', axis: '#0000e2' } as const;

export interface Line {
  readonly name: string;
  readonly look: Look;
  /** Of its line: lengths of strokes and gaps. */
  readonly dash?: readonly number[];
}

type Values = readonly (number | null | undefined)[];

interface Series extends Line {
  readonly values: Values;
}

export interface Chart {
  /** Unique in the page. */
  readonly id: string;
  /** What is seen. */
  readonly title: string;
  /** Window and step: `Last 28 days, by day`. */
  readonly subtitle: string;
  /** `stack`: bars on each other; `rows`: bars from the left, one a category. */
  readonly kind: 'stack' | 'lines' | 'area' | 'rows';
  /** What the values are: `count` of jobs, `hours`, `seconds` on a logarithmic axis, `share` between 0 and 1. */
  readonly unit: 'count' | 'hours' | 'seconds' | 'share';
  /** Heading of the first column. */
  readonly along: string;
  readonly categories: readonly string[];
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  /** More columns of the table. */
  readonly more?: readonly { readonly name: string; readonly values: Values }[];
}

const TEXT = { color: INK.text, fontSize: 12 } as const;
/** Shorter times are drawn as this long, seconds: a logarithm of nothing is none. */
const LEAST = 0.1;
/** Ticks that people think in, seconds, and how they are written. */
const TICKS = [LEAST, 1, 10, 60, 600, 3600, 36_000, 86_400, 604_800, 2_592_000, 31_536_000];
const TICK_TEXTS =
  '0.1 s, 1 s, 10 s, 1 min, 10 min, 1 h, 10 h, 1 day, 1 week, 30 days, 1 year'.split(', ');

const SIZES = [
  { name: 'wide', width: 620, height: 250 },
  { name: 'narrow', width: 350, height: 230 },
] as const;

/** A chart as a figure: drawn for a wide and for a narrow page, and as a table. */
export function figure(chart: Chart): Html {
  const { id, title, subtitle, kind, along, categories, series, more = [] } = chart;
  const isNothing = (value: Values[number]) =>
    kind === 'lines' ? (value ?? null) === null : !value;
  const isEmpty = series.every(({ values }) => values.every(isNothing));
  const columns = [...series, ...more].map(
    ({ name, values }) => [name, (at: number) => plain(values[at] ?? null), 'n'] as const,
  );
  const caption = `${title}: ${subtitle}`;
  const rows = categories.map((_, at) => at);
  const data = table<number>(caption, rows, [along, (at) => categories[at]], ...columns);
  return html`<figure id="${id}"><figcaption><b>${subtitle}</b></figcaption>
${isEmpty ? html`<p class="empty">Nothing to draw here.</p>` : SIZES.map((size) => drawing(chart, size))}
<details><summary>Table<span class="hidden"> of ${title}, ${subtitle}</span></summary>${data}</details></figure>`;
}

/** The names of series beside their looks. */
export function legend(series: readonly Line[], kind: Chart['kind']): Html {
  const bar = (look: Look) =>
    html`<svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="2" fill="url(#p-${look})"/></svg>`;
  const stroke = (look: Look, dash: readonly number[] = []) =>
    html`<svg width="30" height="14" aria-hidden="true"><path d="M0 7h30" stroke="var(--c-${look})" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/></svg>`;
  const mark = kind === 'stack' ? bar : stroke;
  const entries = series.map(({ name, look, dash }) => html`<li>${mark(look, dash)}${name}</li>`);
  return html`<ul class="legend">${entries}</ul>`;
}

function drawing(chart: Chart, size: (typeof SIZES)[number]): Html {
  const { width, height } = size;
  const canvas = init(null, null, { renderer: 'svg', ssr: true, width, height });
  canvas.setOption(optionOf(chart, size));
  const svg = canvas.renderToSVGString();
  canvas.dispose();
  return html`<svg class="${size.name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${chart.title}: ${chart.subtitle}. The table below has the numbers.">${new Html(cleaned(svg, chart, size.name))}</svg>
`;
}

/** Without what only a page with scripts uses; styles as attributes, which a strict policy allows. */
function cleaned(svg: string, { id, kind }: Chart, size: string): string {
  const isBar = kind === 'stack' || kind === 'rows';
  const looks = Object.entries(LOOKS).map(
    ([name, color]) => [color, isBar ? `url(#p-${name})` : `var(--c-${name})`] as const,
  );
  const inks = Object.entries(INK).map(([name, color]) => [color, `var(--${name})`] as const);
  const bare = svg
    .replace(/^<svg[^>]*>\s*(<rect[^>]*><\/rect>)?|<\/svg>\s*$/g, '')
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, '')
    .replace(/ style="([^"]*)"/g, (_, style: string) => attributes(style))
    .replace(/zr\d+-c/g, `${id}-${size}-`);
  return [...looks, ...inks].reduce((text, [from, to]) => text.replaceAll(from, to), bare);
}

function attributes(style: string): string {
  const pairs = [...style.matchAll(/(font-size|font-weight):([^;]*)/g)];
  return pairs.map(([, name, value]) => ` ${name}="${value}"`).join('');
}

function optionOf(chart: Chart, { name, width }: (typeof SIZES)[number]): EChartsCoreOption {
  const { kind, unit, labels, series } = chart;
  const isRows = kind === 'rows';
  const most = name === 'narrow' ? 4 : 8;
  const every = isRows ? 1 : Math.max(1, Math.ceil(labels.length / most));
  const along = {
    ...{ type: 'category', data: labels, boundaryGap: kind === 'stack' || isRows, inverse: isRows },
    ...{ axisTick: { show: false }, axisLine: { lineStyle: { color: INK.axis } } },
    axisLabel: { ...TEXT, interval: every - 1, showMaxLabel: isRows || labels.length <= most },
  };
  const values = {
    ...{ type: 'value', show: !isRows, splitLine: { lineStyle: { color: INK.grid } } },
    axisLabel: { ...TEXT, formatter: (value: number) => axisText(unit, value) },
    ...{ splitNumber: 4, minInterval: unit === 'count' ? 1 : 0 },
    ...(unit === 'share' && { max: ({ max }: { readonly max: number }) => (max > 0.6 ? 1 : null) }),
    ...(unit === 'seconds' && logarithmic(series)),
  };
  return {
    animation: false,
    grid: isRows
      ? { left: 108, right: 48, top: 4, bottom: 4 }
      : { left: 58, right: 14, top: 12, bottom: 28 },
    ...(isRows ? { xAxis: values, yAxis: along } : { xAxis: along, yAxis: values }),
    series: isRows || kind === 'stack' ? bars(chart, width) : lines(chart),
  };
}

function bars({ kind, labels, series }: Chart, width: number): object[] {
  return series.map(({ look, values }) => {
    const sum = values.reduce<number>((total, value) => total + (value ?? 0), 0);
    const share = ({ value }: { readonly value: number }) =>
      value === 0 ? '' : percent(value / sum);
    const label = { ...TEXT, show: true, position: 'right', formatter: share };
    return {
      ...{ type: 'bar', silent: true, data: values, itemStyle: { color: LOOKS[look] } },
      barCategoryGap: labels.length * 9 > width ? '12%' : '28%',
      ...(kind === 'stack' ? { stack: 'all' } : { label }),
    };
  });
}

/** Where there are few values, or a value has no neighbours to draw a line to, it is a dot. */
function lines({ kind, unit, labels, series }: Chart): object[] {
  return series.map(({ look, dash = [], values }) => {
    const color = LOOKS[look];
    const isDot = (at: number) =>
      labels.length <= 40 || (values[at - 1] ?? values[at + 1] ?? null) === null;
    const data = values.map((value, at) => ({
      value: unit === 'seconds' && typeof value === 'number' ? Math.max(value, LEAST) : value,
      symbol: kind === 'lines' && isDot(at) ? 'circle' : 'none',
    }));
    return {
      ...{ type: 'line', silent: true, symbolSize: 5, data, itemStyle: { color } },
      lineStyle: { color, width: 2, type: dash.length > 0 ? [...dash] : 'solid' },
      ...(kind === 'area' && { areaStyle: { color, opacity: 0.18 } }),
    };
  });
}

/** From the tick below all values to the one above. */
function logarithmic(series: readonly Series[]): object {
  const all = series.flatMap(({ values }) => values);
  const seen = all.filter((value) => typeof value === 'number');
  const most = Math.max(...all.map((value) => Math.max(value ?? LEAST, LEAST)));
  const min = TICKS.findLast((tick) => tick <= Math.min(...seen)) ?? LEAST;
  const max = TICKS.find((tick) => tick > min && tick >= most) ?? TICKS.at(-1);
  const customValues = TICKS.filter((tick) => tick >= min && tick <= Number(max));
  const formatter = (value: number) =>
    TICK_TEXTS[TICKS.findIndex((tick) => Math.abs(tick - value) < tick / 1000)] ?? '';
  const axisTick = { show: false, customValues };
  return { type: 'log', min, max, axisTick, axisLabel: { ...TEXT, customValues, formatter } };
}

function axisText(unit: Chart['unit'], value: number): string {
  if (unit === 'share') return `${Math.round(value * 1000) / 10}%`;
  const number = value.toLocaleString('en-US', { maximumFractionDigits: 2 });
  return unit === 'hours' ? `${number} h` : number;
}

/** The patterns of bars, once a page. Lines over the plain colour. */
export function patterns(): Html {
  const marks: Readonly<Record<Look, Content>> = {
    done: '',
    error: html`<path d="M-2 2l4 -4M0 8l8 -8M6 10l4 -4"/>`,
    timed_out: html`<path d="M0 0l8 8M8 0l-8 8"/>`,
    canceled: html`<path d="M2 2h1.6M6 6h1.6"/>`,
    running: html`<path d="M0 4h8"/>`,
    pending: html`<path d="M4 0v8"/>`,
    other: html`<path d="M-2 6l4 4M0 0l8 8M6 -2l4 4"/>`,
  };
  const all = Object.entries(marks).map(
    ([name, mark]) =>
      html`<pattern id="p-${name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="var(--c-${name})"/><g stroke="var(--hatch)" stroke-width="1.6" fill="none">${mark}</g></pattern>`,
  );
  return html`<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>${all}</defs></svg>`;
}
