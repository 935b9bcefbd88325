import type { JobKeys } from './job-table.ts';
import type { Members } from './members.ts';
import type { Random } from './random.ts';

/** How an oddity changes a job. */
export interface Twist {
  /** Changes what the filters see too, before the job is stored. */
  readonly keys?: (keys: JobKeys, random: Random) => void;
  /** Changes only the text that is sent. */
  readonly members?: (members: Members, keys: JobKeys, random: Random) => void;
}
