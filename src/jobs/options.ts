import type { Compression, Filters, Format } from './pipeline.ts';

/** How to sign in. Held in memory only; no part of it is ever logged or written. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: string;
      readonly endpoint: TokenEndpoint;
    }
  | {
      readonly kind: 'client';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly endpoint: TokenEndpoint;
    };

/** Where tokens come from. Source: shared facts of the platform's two regions, docs/api.md "Sign-in". */
export interface TokenEndpoint {
  readonly url: string;
  /** Public client id for password sign-in. */
  readonly publicClientId: string;
  readonly realm: string;
  readonly passwordGrant: string;
  readonly audience: string;
}

/** Everything an export needs to know, resolved: flags over environment over pipeline file over defaults. */
export interface ExportOptions {
  /** Name of the pipeline: names the output folder, the lock and the work folder. */
  readonly pipeline: string;
  /** Base URL of the API without a trailing slash, e.g. `https://apis.pasqal.cloud/core-fast`. */
  readonly apiUrl: string;
  readonly credentials: Credentials;
  readonly filters: Filters;
  readonly formats: readonly Format[];
  /** Absolute path of the folder that holds one folder a pipeline. */
  readonly output: string;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** Jobs a page, 2 to 100. */
  readonly pageSize: number;
  /** Undefined: the default of each format. */
  readonly compression?: Compression;
  readonly maxRejects: number;
  readonly allowIncomplete: boolean;
  /** Takes over a lock whose holder cannot be seen from here. Default false. */
  readonly breakLock?: boolean;
  /** Discards unfinished work instead of resuming it. */
  readonly restart: boolean;
  /** Milliseconds after which unfinished work is started afresh. */
  readonly resumeWithinMs: number;
  /** Snapshots kept, the new one included. Undefined: all. */
  readonly keep?: number;
  /** Milliseconds from now after which the run stops, resumable. Undefined: none. */
  readonly deadlineMs?: number;
}
