import { canonical, type Manifest } from '../jobs/manifest.ts';
import { canonicalFilters } from '../jobs/query.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { counted } from '../platform/format.ts';

/**
 * Whether a snapshot may take the place of the one before. A list that lost more rows than plausible is rather a mistyped
 * filter, lost rights or a broken server than the truth.
 *
 * @param previous manifest of the snapshot that `latest` names
 * @param limits.maxShrink share of rows that may be gone, 0 to 1; undefined where a filter makes any number plausible
 * @returns the error to fail with (65, publish), or undefined
 */
export function guardShrink(
  previous: Manifest | undefined,
  rows: number,
  limits: { readonly maxShrink: number | undefined; readonly allowShrink: boolean },
): ExportError | undefined {
  if (previous === undefined || limits.allowShrink || limits.maxShrink === undefined) {
    return undefined;
  }
  const gone = previous.rows - rows;
  const allGone = rows === 0 && previous.rows > 0;
  if (!allGone && gone <= limits.maxShrink * previous.rows) return undefined;
  return new ExportError(
    `the export found ${counted(rows, 'job')}, but run ${previous.runId}, which \`latest\` names, has ${counted(previous.rows, 'job')}: ` +
      `more are gone than --max-shrink ${Number((limits.maxShrink * 100).toFixed(9))}% lets pass; nothing was published and nothing was removed. ` +
      'If that is right, run the same command with --allow-shrink',
    { exitCode: EXIT.data, stage: 'publish' },
  );
}

/** What makes two exports comparable. An account that either side does not know matches any. */
export type ExportIdentity = Pick<Manifest, 'apiUrl' | 'account' | 'filters' | 'without'>;

/**
 * Whether an export is of the same as the snapshot that `latest` names: two of them never share a folder by accident.
 *
 * @returns the error to fail with before the first request (64, publish), or undefined
 */
export function sameExport(
  previous: Manifest | undefined,
  { apiUrl, account, filters, without = [] }: ExportIdentity,
): ExportError | undefined {
  if (previous === undefined) return undefined;
  const filtersOf = (one: Pick<ExportIdentity, 'filters'>) =>
    canonical(canonicalFilters(one.filters));
  const known = account !== undefined && previous.account !== undefined;
  const differing = [
    ...(previous.apiUrl === apiUrl ? [] : [`API (${previous.apiUrl} there, ${apiUrl} here)`]),
    ...(!known || previous.account === account ? [] : ['account']),
    ...(filtersOf(previous) === filtersOf({ filters }) ? [] : ['filters']),
    ...(canonical(previous.without ?? []) === canonical([...without].sort()) ? [] : ['columns']),
  ];
  if (differing.length === 0) return undefined;
  return new ExportError(
    `run ${previous.runId}, which \`latest\` names, is an export of another kind: other ${differing.join(' and ')}. ` +
      'Give this one a folder of its own with --as <name>, or let it take the place of the other with --replace',
    { exitCode: EXIT.usage, stage: 'publish' },
  );
}
