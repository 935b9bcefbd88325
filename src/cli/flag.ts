import type { Kind } from './kinds.ts';

/** Headings of `--help`, in the order in which they are shown. */
export type Group = 'Which jobs' | 'Server' | 'Files' | 'The run' | 'What is printed';

/** One flag of the command line, which is also an environment variable and, for some, an option of pipeline files. */
export interface Flag<T = unknown> {
  /** Without the leading dashes. */
  readonly name: string;
  readonly group: Group;
  readonly kind: Kind<T>;
  readonly description: string;
  /** What happens when it is not given, for `--help`; absent when nothing does. */
  readonly shownDefault?: string;
}

export interface FlagWithDefault<T> extends Flag<T> {
  readonly fallback: T;
  readonly shownDefault: string;
}

/** Declares a flag whose default is `text`, read as if a person had given it. */
export function withDefault<T>(flag: Flag<T>, text: string): FlagWithDefault<T> {
  const fallback = flag.kind.parse([text]);
  if (fallback === undefined) throw new TypeError(`--${flag.name}: its own default is refused`);
  return { ...flag, fallback, shownDefault: text };
}

export const VARIABLE_PREFIX = 'PASQAL_JOBS_';

/** The environment variable that sets a flag: `page-size` is `PASQAL_JOBS_PAGE_SIZE`. */
export function variableOf(flag: Flag): string {
  return VARIABLE_PREFIX + flag.name.toUpperCase().replaceAll('-', '_');
}
