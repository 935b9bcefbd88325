import { RawJob } from '../json/raw-job.ts';

/** A record that cannot be a row, with the reason and everything that was sent. */
export interface Reject {
  readonly reason: string;
  readonly record: RawJob;
}

const BEFORE_RECORD = ',"record":';

/** One line of `rejects.ndjson`. */
export function rejectLine({ reason, record }: Reject): string {
  return `{"reason":${JSON.stringify(reason)}${BEFORE_RECORD}${record}}\n`;
}

/** @param line as `rejectLine` wrote it, without its end. A quote in a reason is escaped: the first match is the border. */
export function readRejectLine(line: string): Reject {
  const border = line.indexOf(`"${BEFORE_RECORD}`) + 1;
  const { reason } = Object(JSON.parse(`${line.slice(0, border)}}`));
  return { reason, record: RawJob.parse(line.slice(border + BEFORE_RECORD.length, -1)) };
}
