/** Markup that is known to be safe: made by `html` alone. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Html | string | number | false | null | undefined | readonly Content[];

/** Makes markup; whatever is put in, unless it is markup itself, is text. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(markup)));
}

function markup(value: Content): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(markup).join('');
  return value === false ? '' : escaped(String(value ?? ''));
}

/** Control characters, which HTML has no way to write, are shown by their pictures. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
    .replace(/\p{Cc}/gu, (found) =>
      found < ' ' ? String.fromCharCode(0x2400 + found.charCodeAt(0)) : '\ufffd',
    );
}

/** A text of the API: right-to-left marks in it change nothing around it. */
export function foreign(text: string | null): Html {
  return text === null ? html`<i>none</i>` : html`<bdi>${text}</bdi>`;
}

export const NOTHING = '–';

/** `8.2%`, of a share between 0 and 1. */
export function percent(share: number | null): string {
  if (share === null) return NOTHING;
  const digits = share > 0 && share < 0.0995 ? 1 : 0;
  return `${(share * 100).toFixed(digits)}%`;
}

const UNITS = [
  [172_800, 86_400, 'days'],
  [3600, 3600, 'h'],
  [60, 60, 'min'],
  [0, 1, 's'],
] as const;

/** Seconds as people say them, two digits or more: `42 s`, `3.4 h`, `12 days`, `1,200 h` of machine time. */
export function duration(seconds: number | null | undefined, longest: 'days' | 'h' = 'days') {
  if (seconds === null || seconds === undefined) return NOTHING;
  const units = UNITS.filter(([, , unit]) => longest === 'days' || unit !== 'days');
  const [, size, unit] = units.find(([from]) => seconds >= from) ?? UNITS[3];
  const value = seconds / size;
  const digits = value < 9.95 && value > 0 ? 1 : 0;
  return `${value.toLocaleString('en-US', { maximumFractionDigits: digits })} ${unit}`;
}

/** A number as a sheet takes it: three decimals, no separators. */
export function plain(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(Math.round(value * 1000) / 1000);
}

/** A column: its heading, what stands in a cell, and whether that is a number, aligned right. */
export type Column<Row> = readonly [label: string, cell: (row: Row) => Content, isNumber?: 'n'];

/** A table with a caption for screen readers; it scrolls by itself where it is too wide. */
export function table<Row>(
  caption: string,
  rows: readonly Row[],
  ...columns: readonly Column<Row>[]
): Html {
  const aligned = (isNumber: 'n' | undefined) => isNumber && html` class="n"`;
  const head = columns.map(
    ([label, , isNumber]) => html`<th scope="col"${aligned(isNumber)}>${label}</th>`,
  );
  const cells = (row: Row) =>
    columns.map(([, cell, isNumber]) => html`<td${aligned(isNumber)}>${cell(row)}</td>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody></table></div>`;
}

/** A part of a section, on a card of its own. */
export function block(title: string, content: Content): Html {
  return html`<div class="block"><h3>${title}</h3>${content}</div>\n`;
}

/** A block that is a table, or says that there is nothing. */
export function listing<Row>(
  title: string,
  rows: readonly Row[],
  ...columns: readonly Column<Row>[]
) {
  const none = html`<p class="empty">None.</p>`;
  return block(title, rows.length > 0 ? table(title, rows, ...columns) : none);
}
