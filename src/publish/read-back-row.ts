import type { FoundColumn } from './read-back.ts';

const TIMESTAMP = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Says what is wrong with the value of a line, as in `line 3 has other columns`, or nothing. */
export type RowCheck = (value: unknown) => string | undefined;

/** A check for rows that have these columns, all of them, in this order. */
export function rowCheck(columns: readonly FoundColumn[]): RowCheck {
  const expected = columns.map((column) => ({ name: column.name, fits: valueCheck(column) }));
  return (row) => {
    if (!isRow(row)) return 'is no JSON object';
    let i = 0;
    for (const name in row) {
      const column = expected[i++];
      if (name !== column?.name) return 'has other columns';
      if (!column.fits(row[name])) return `has a wrong value in ${name}`;
    }
    if (i !== expected.length) return 'lacks columns';
    return hasId(row) ? undefined : 'has no id';
  };
}

/** @returns whether a value has an `id` of text, as every row has that the check found nothing wrong with */
export function hasId(value: unknown): value is { readonly id: string } {
  return isRow(value) && typeof value.id === 'string';
}

function isRow(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueCheck({ type, required }: FoundColumn): (value: unknown) => boolean {
  const check = VALUE_CHECKS[type] ?? (() => true);
  return required ? check : (value) => value === null || check(value);
}

const VALUE_CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  int64: (value) => Number.isInteger(value),
  float64: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  timestamp: (value) => typeof value === 'string' && TIMESTAMP.test(value),
  strings: (value) =>
    Array.isArray(value) && value.every((item) => item === null || typeof item === 'string'),
};
