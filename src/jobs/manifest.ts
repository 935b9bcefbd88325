import type { Filters, Format } from './pipeline.ts';

/** How completeness was proven, or why it could not be. docs/completeness.md explains each word. */
export type ProofMethod = 'seams' | 'counts' | 'ties' | 'rewalk' | 'none';

export interface Completeness {
  /** True only when it was proven that every job which existed during the whole run is in the snapshot. */
  readonly proven: boolean;
  readonly method: ProofMethod;
  /** One sentence for people: what was seen, and why that is or is not a proof. */
  readonly reason: string;
  /** Joints between windows: how many were checked, repaired on the spot, left broken, re-read whole inside ties. */
  readonly seams: {
    readonly checked: number;
    readonly repaired: number;
    readonly broken: number;
    readonly spanned: number;
  };
  /** Signs that the list changed under the walk. */
  readonly drift: boolean;
  /** Null when no reconciliation was needed. */
  readonly reconciled: {
    readonly requests: number;
    /** Jobs found that the walk had lost. */
    readonly found: number;
    /** Jobs in hand that the server no longer has. */
    readonly deleted: number;
    /** Full walks after the first. */
    readonly rewalks: number;
  } | null;
}

export interface PublishedFile {
  readonly name: string;
  readonly format: Format | 'rejects';
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json` of a snapshot. Clock, run id and durations live here and in no data file. */
export interface Manifest {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly pipeline: string;
  readonly runId: string;
  readonly apiUrl: string;
  readonly filters: Filters;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Seconds of work, pauses between resumed runs not counted. */
  readonly seconds: number;
  /** Times the run was resumed after an interruption. */
  readonly resumed: number;
  readonly serverTotal: { readonly first: number; readonly last: number };
  readonly rows: number;
  /** sha256 of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  readonly duplicates: number;
  readonly repairs: number;
  readonly rejects: number;
  readonly anomalies: Readonly<Record<string, number>>;
  readonly completeness: Completeness;
  readonly requests: number;
  readonly retries: number;
  /** Bytes of response bodies, after decompression. */
  readonly bytesReceived: number;
  /** Column names and types, in file order. */
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
  }[];
  readonly files: readonly PublishedFile[];
}
