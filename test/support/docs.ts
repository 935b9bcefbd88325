import { readFile } from 'node:fs/promises';
import type { Command } from '../../src/cli/command.ts';
import { variableOf } from '../../src/cli/environment.ts';
import type { Column, ColumnType } from '../../src/jobs/columns.ts';
import type { Option } from '../../src/run/options.ts';
import { REPOSITORY } from './cli.ts';

/** The text of a file of the repository. */
export function page(path: string): Promise<string> {
  return readFile(`${REPOSITORY}${path}`, 'utf8');
}

/** The part of a Markdown text under one heading, up to the next heading of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (from < 0) return '';
  const level = lines[from]?.indexOf(' ') ?? 0;
  const rest = lines.slice(from + 1);
  const length = rest.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return rest.slice(0, length < 0 ? undefined : length).join('\n');
}

/** Cells of the tables in a Markdown text, without code marks; headings and rules left out. */
export function tableRows(markdown: string): string[][] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  return rows
    .filter((row, index) => !/^\|[-|: ]+$/.test(row) && !/^\|[-|: ]+$/.test(rows[index + 1] ?? ''))
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

/** How docs/command-line.md must describe a flag. */
export function flagRow(option: Option): string[] {
  const { flag, kind, help, shownDefault = '' } = option;
  const written = kind.written === 'switch' ? `--${flag}` : `--${flag} <value>`;
  return [written, variableOf(option), help, shownDefault];
}

/** How docs/command-line.md must call a command. */
export function commandHeading({ name, argument }: Command): string {
  return `pasqal-jobs ${name} [${argument.name}]`;
}

const SHOWN_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'string',
  int64: 'int64',
  timestamp: 'timestamp, microseconds, UTC',
  float64: 'float64',
  bool: 'bool',
  strings: 'list of strings',
  json: 'string (JSON)',
};

/** How docs/columns.md must describe a column. */
export function columnRow({ name, type, required, description }: Column): string[] {
  return [name, SHOWN_TYPES[type], required ? 'yes' : '', description];
}
