import { createHash } from 'node:crypto';
import { count } from '../platform/format.ts';
import { patterns } from './charts.ts';
import {
  block,
  type Column,
  type Content,
  duration,
  foreign,
  Html,
  html,
  listing,
  NOTHING,
  percent,
  table,
} from './html.ts';
import { type Answers, WEEKDAYS, WINDOWS } from './queries.ts';
import type { ReportTask } from './snapshot.ts';
import { STYLE } from './style.ts';
import { failureRate, usage } from './usage.ts';

/** What the page is made of. */
interface Told extends Pick<ReportTask, 'manifest' | 'timeZone'> {
  readonly answers: Answers;
}

type Section = readonly [id: string, title: string, content: Content, about?: string];

const PARTIAL = 'The first and the last day, week or month of a chart may be partial.';
const MOST =
  'The projects and batches with the most jobs, the most machine time, the longest queue.';

/** The page, whole: no script, and a policy that allows none. */
export function page(told: Told): string {
  const { manifest, timeZone, answers } = told;
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'`;
  const hours = `Jobs created by weekday and hour, in the time zone ${timeZone}. The stronger the colour, the more.`;
  const sections: readonly Section[] = [
    ['headline', 'The last 28 days', headline(answers)],
    ['usage', 'Jobs, machine time, queue', usage(answers), PARTIAL],
    ['failures', 'What fails', [failureRate(answers), errors(answers)]],
    ['top', 'Who uses it', tops(answers), MOST],
    ['hours', 'Busy hours', busyHours(answers), hours],
    ['open', 'Waiting and running now', openNow(answers)],
    ['night', 'Since the snapshot before', lastNight(told)],
    ['trust', 'Can it be trusted?', trust(told)],
  ];
  const links = sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`);
  const made = `Made by ${manifest.tool.name} ${manifest.tool.version} from run ${manifest.runId}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quantum jobs: ${manifest.pipeline}</title>
<style>${new Html(STYLE)}</style></head>
<body>
${patterns()}
<header><h1>Quantum jobs</h1>
<p class="about">${manifest.pipeline}: every job of ${foreign(new URL(manifest.apiUrl).host)}${scope(manifest)}, as of ${clock(manifest.finishedAt, timeZone)} (${timeZone})</p>
<p class="lead">${lead(answers)}</p>
<nav aria-label="Sections"><ul>${links}</ul></nav></header>
<main>
${sections.map(([id, title, content, about]) => html`<section id="${id}"><h2>${title}</h2>${about && html`<p>${about}</p>`}\n${content}</section>\n`)}</main>
<footer>${made}, offline, from the snapshot alone. The SQL of every number is in report.sql, to go on from in DuckDB.</footer>
</body></html>
`.text;
}

/** An instant in the time zone: `25 November 2026, 02:15`. */
function clock(iso: string, timeZone: string): string {
  const style = { timeZone, dateStyle: 'long', timeStyle: 'short' } as const;
  return new Intl.DateTimeFormat('en-GB', style).format(new Date(iso)).replace(' at ', ', ');
}

function scope({ filters }: Told['manifest']): Content {
  const asked = Object.entries(filters).map(([name, value]) => `${name} ${[value].flat().join()}`);
  const text = asked.join('; ');
  const isLong = text.length > 200;
  const shown = isLong ? `${text.slice(0, 200)}… (cut: ${text.length} characters)` : text;
  return text !== '' && html` with ${foreign(shown)}`;
}

/** The figures of the last 28 days, the 28 before them, all time. */
function figuresOf({ headline }: Answers) {
  const [recent, before, all] = headline;
  if (!recent || !before || !all) throw new TypeError('the headline has no row of some window');
  return { recent, before, all };
}

/** What a manager reads first, in a sentence or three. */
function lead(answers: Answers): string {
  const { recent, before, all } = figuresOf(answers);
  if (all.jobs === 0) return 'There are no jobs.';
  if (recent.jobs === 0) return `No jobs in the last 28 days; ${count(all.jobs)} in all.`;
  const change = recent.jobs / before.jobs - 1;
  const than = `${percent(Math.abs(change))} ${change > 0 ? 'more' : 'fewer'} than in the 28 days before`;
  const { failure_rate: rate, waits } = recent;
  return [
    `${count(recent.jobs)} ${recent.jobs === 1 ? 'job' : 'jobs'} in the last 28 days, `,
    before.jobs === 0 ? 'none in the 28 days before.' : `${than}.`,
    rate === null ? '' : ` ${percent(rate)} of those that ended failed.`,
    waits === null ? '' : ` Half of those that started had waited less than ${duration(waits[0])}.`,
  ].join('');
}

function card(name: Content, big: Content, ...more: readonly Content[]): Html {
  const lines = more.map((line) => html`<dd>${line}</dd>`);
  return html`<div class="card"><dt>${name}</dt><dd class="big">${big}</dd>${lines}</div>\n`;
}

function headline(answers: Answers): Html {
  const { recent, before, all } = figuresOf(answers);
  const [waiting, running] = answers.open;
  const compared = (name: string, write: (figures: typeof recent) => string, ...more: string[]) => {
    const others = [`28 days before: ${write(before)}`, `all time: ${write(all)}`];
    return card(name, write(recent), ...more, ...others);
  };
  const digits = { maximumSignificantDigits: 3 };
  const factor = (value: number | null) =>
    value === null ? NOTHING : `${value.toLocaleString('en-US', digits)}×`;
  const longest = waiting?.jobs ? `longest: ${duration(waiting.age_max)}` : 'nothing waits';
  const beside = `running: ${count(running?.jobs ?? 0)}`;
  const slow = `90% below ${duration(recent.waits?.[1])}`;
  const cards = [
    compared('Jobs', ({ jobs }) => count(jobs)),
    compared('Failure rate', ({ failure_rate }) => percent(failure_rate)),
    compared('Queue time, median', ({ waits }) => duration(waits?.[0]), slow),
    compared('Expansion factor', ({ expansion }) => factor(expansion), '(wait + run) / run'),
    compared('QPU time', ({ qpu_seconds }) => duration(qpu_seconds, 'h')),
    card('Waiting now', count(waiting?.jobs ?? 0), longest, beside),
  ];
  const statuses = table(
    'Jobs by status',
    answers.statuses,
    ['Status', ({ status }) => foreign(status)],
    ['Jobs, last 28 days', ({ recent }) => count(recent), 'n'],
    ['Jobs, all time', ({ jobs }) => count(jobs), 'n'],
  );
  return html`<dl class="cards">${cards}</dl>\n<details><summary>Jobs by status, as sent</summary>${statuses}</details>`;
}

function errors(answers: Answers): Html {
  return listing(
    'The most frequent errors',
    answers.errors,
    ['Error, # for numbers and ids', errorText],
    ['Jobs, 28 days', ({ recent }) => count(recent), 'n'],
    ['All time', ({ jobs }) => count(jobs), 'n'],
    ['Last', ({ last }) => last],
    ['Newest of these jobs', ({ ids }) => idList(ids)],
  );
}

function errorText({ kind, example }: Answers['errors'][number]): Html {
  const such = example !== kind && html`<div class="quiet">such as: ${foreign(example)}</div>`;
  return html`<div class="wide-text">${foreign(kind)}${such}</div>`;
}

function idList(ids: readonly string[]): Html {
  return html`<div class="ids">${ids.map((id) => html`<code>${foreign(id)}</code>`)}</div>`;
}

const MEASURES = [
  { measure: 'jobs', title: 'Most jobs', write: count },
  { measure: 'qpu', title: 'Most QPU time', write: (value: number) => duration(value, 'h') },
  { measure: 'wait', title: 'Longest median queue', write: (value: number) => duration(value) },
] as const;

function tops(answers: Answers): Content {
  const blocks = (kind: string, title: string) =>
    WINDOWS.map((window) => {
      const own = answers.top.filter((row) => row.name === window.name && row.kind === kind);
      const lists = MEASURES.map((one) => {
        const rows = own.filter(({ measure }) => measure === one.measure);
        return topList(one, rows);
      });
      const name = `${title}, ${window.title.toLowerCase()}`;
      return block(name, html`<div class="three">${lists}</div>`);
    });
  return [blocks('project', 'Projects'), blocks('batch', 'Batches')];
}

function topList({ measure, title, write }: (typeof MEASURES)[number], rows: Answers['top']): Html {
  const most = rows[0]?.value ?? 1;
  const items = rows.map(({ id, value, jobs }) => {
    const of = measure !== 'jobs' && html` <span class="quiet">${count(jobs)} jobs</span>`;
    const bar = html`<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width="${((100 * value) / most).toFixed(1)}" height="6" fill="var(--bar)"/></svg>`;
    return html`<li><div class="row"><code>${foreign(id)}</code><span><b>${write(value)}</b>${of}</span></div>${bar}</li>\n`;
  });
  return html`<div><h4>${title}</h4>${rows.length > 0 ? html`<ol class="top">${items}</ol>` : html`<p>None.</p>`}</div>`;
}

function busyHours(answers: Answers): Html {
  const figures = WINDOWS.map(({ name, id, title }) => {
    const rows = answers.hours.filter((row) => row.name === name);
    const most = Math.max(...rows.flatMap((row) => WEEKDAYS.map((day) => row[day])));
    const heat = (jobs: number) =>
      html`<span class="h${jobs && Math.ceil((5 * jobs) / most)}">${jobs === 0 ? '·' : count(jobs)}</span>`;
    const hours = table(
      `Jobs created by weekday and hour, ${title}`,
      rows,
      ['Hour', ({ hour }) => `${String(hour).padStart(2, '0')}:00`],
      ...WEEKDAYS.map((day): Column<(typeof rows)[number]> => [day, (row) => heat(row[day])]),
    );
    return html`<figure class="heat" id="hours-${id}"><figcaption><b>${title}</b></figcaption>${hours}</figure>`;
  });
  return html`<div class="block"><div class="pair">${figures}</div></div>`;
}

function openNow(answers: Answers): Content {
  const sums = listing(
    'Now',
    answers.open,
    ['Now', ({ state }) => state],
    ['Jobs', ({ jobs }) => count(jobs), 'n'],
    ['For, median', ({ age_50 }) => duration(age_50), 'n'],
    ['For, longest', ({ age_max }) => duration(age_max), 'n'],
  );
  const oldest = listing(
    'The ten that wait or run longest',
    answers.oldest,
    ['Job', ({ id }) => idList([id])],
    ['Status', ({ status }) => foreign(status)],
    ['Project', ({ project_id }) => idList([project_id])],
    ['Since', ({ since }) => since],
    ['For', ({ age }) => duration(age), 'n'],
  );
  return [sums, oldest];
}

const CHANGES = { created: 'New', updated: 'Changed', deleted: 'Gone', failed: 'Came to fail' };

function lastNight({ answers, manifest }: Told): Html {
  const [sums] = answers.changed;
  if (sums === undefined || !manifest.files.some(({ name }) => name.startsWith('changes.'))) {
    const why =
      'This snapshot has no list of changes: there was none before it to compare it with.';
    return html`<p class="empty">${why}</p>`;
  }
  const titles = new Map(Object.entries(CHANGES));
  const cards = Object.entries(sums).map(([name, jobs]) => card(titles.get(name), count(jobs)));
  const changes = listing(
    'By status',
    answers.changes,
    ['Change', ({ change }) => titles.get(change) ?? foreign(change)],
    ['Status before', ({ previous_status }) => foreign(previous_status)],
    ['Status', ({ status }) => foreign(status)],
    ['Jobs', ({ jobs }) => count(jobs), 'n'],
    ['Newest of them', ({ ids }) => idList(ids)],
  );
  return html`<dl class="cards">${cards}</dl>${changes}`;
}

function trust({ answers, manifest, timeZone }: Told): Content {
  const { completeness, tool, runId, rows, rejects } = manifest;
  const verdict = completeness.proven
    ? html`<p class="verdict good">✓ Proven to be complete: no job is missing.</p>`
    : html`<p class="verdict bad">✗ Not proven to be complete: jobs may be missing.</p>`;
  const proof = html`${verdict}<p>How that is known: ${completeness.reason} (${completeness.method}).</p>`;
  const facts: readonly (readonly [string, Content])[] = [
    ['Asked for', html`every job of ${foreign(manifest.apiUrl)}${scope(manifest)}`],
    ['From', clock(manifest.startedAt, timeZone)],
    ['To', clock(manifest.finishedAt, timeZone)],
    ['Time zone', timeZone],
    ['Rows', `${count(rows)}; ${count(rejects)} records could not be one`],
    ['Left out', leftOut(answers)],
    ['Made by', `${tool.name} ${tool.version}, run ${runId}`],
  ];
  const anomalies = listing(
    'Odd values, kept as they were sent',
    answers.anomalies,
    ['What is odd', ({ anomaly }) => html`<code>${foreign(anomaly)}</code>`],
    ['Jobs', ({ jobs }) => count(jobs), 'n'],
    ['Newest of them', ({ ids }) => idList(ids)],
  );
  const aside = listing(
    'Set aside: what could not be a row',
    answers.rejects,
    ['Why', ({ reason }) => foreign(reason)],
    ['Records', ({ records }) => count(records), 'n'],
    ['Example', ({ example }) => html`<code>${foreign(example)}</code>`],
  );
  const list = facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  const first = html`<div class="block">${proof}<dl class="facts">${list}</dl></div>`;
  return [first, anomalies, aside];
}

function leftOut({ left_out }: Answers): string {
  const [{ outside, durations } = { outside: 0, durations: 0 }] = left_out;
  if (outside + durations === 0) return 'nothing';
  return (
    `${count(durations)} jobs have times that cannot be: they count as jobs, not as queue or run time. ` +
    `${count(outside)} were created more than ten years ago or in the future, and are in no chart over time.`
  );
}
