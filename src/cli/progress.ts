import type { RunEvent } from '../platform/effects.ts';
import { count, counted } from './figures.ts';

export type Progress = Extract<RunEvent, { type: 'progress' }>;

/** Measures the speed of this process: what a resumed run brings along does not count. */
export interface Speedometer {
  /** @returns jobs a second since the first call, 0 until time has passed */
  readonly rate: (progress: Progress) => number;
}

/** @param monotonic milliseconds */
export function speedometer(monotonic: () => number): Speedometer {
  let first: { readonly jobs: number; readonly at: number } | undefined;
  return {
    rate({ jobs }) {
      first ??= { jobs, at: monotonic() };
      const seconds = (monotonic() - first.at) / 1000;
      return seconds > 0 ? (jobs - first.jobs) / seconds : 0;
    },
  };
}

/** `12,000 of 100,000 jobs, 3,400 jobs/s, 16 requests in flight, 2 retries` */
export function progressLine(progress: Progress, rate: number): string {
  return [
    `${count(progress.jobs)} of ${counted(progress.total, 'job')}`,
    `${count(rate)} jobs/s`,
    `${counted(progress.inFlight, 'request')} in flight`,
    counted(progress.retries, 'retry', 'retries'),
  ].join(', ');
}
