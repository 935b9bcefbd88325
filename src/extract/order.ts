import { JOB_FIELDS, type RawJob } from '../json/raw-job.ts';
import type { Key } from './coverage.ts';
import type { Ledger } from './ledger.ts';
import type { Answer, ListReader, Sizing } from './windows.ts';

/** An order in which the server shows the list. */
export interface Order {
  readonly by: 'created_at' | 'id';
  /** What a job is ordered by; null when it cannot be told. */
  readonly keyOf: (row: RawJob) => Key | null;
  readonly hasTies: boolean;
}

const CREATED_AT = JOB_FIELDS.indexOf('created_at');

export const BY_CREATION: Order = {
  by: 'created_at',
  keyOf: (row) => row.instant(CREATED_AT),
  hasTies: true,
};

export const BY_ID: Order = {
  by: 'id',
  keyOf: (row) => row.string('id') || null,
  hasTies: false,
};

/** What all readings of an export share. */
export interface Setting {
  readonly reader: ListReader;
  readonly ledger: Ledger;
  readonly sizing: Sizing;
  /** Told of every answer before it is taken. */
  readonly note: (answer: Answer) => void;
}
