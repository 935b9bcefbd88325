import type { DriftOptions } from './drift.ts';
import type { FaultRate } from './fault-plan.ts';
import type { JobQuery } from './query.ts';
import type { RateLimit } from './rate-limit.ts';
import type { StoreOptions } from './store.ts';
import type { SignIn } from './tokens.ts';

/** Everything the simulator can be told. All of it is optional. */
export interface SimulatorOptions extends StoreOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Milliseconds before each page is made and answered. Default 0. */
  readonly latencyMs?: number;
  /** Milliseconds more for every 100,000 rows of offset, as a database takes. Default 0. */
  readonly deepOffsetCostMs?: number;
  /** Compresses pages for clients that accept it. Default false: it costs far more than it saves on loopback. */
  readonly gzip?: boolean;
  /** Requires a bearer token. True: with the default accounts of `SignIn`. Default false. */
  readonly signIn?: boolean | SignIn;
  /** Default none. */
  readonly rateLimit?: RateLimit;
  /** Faults by rate. Default none. */
  readonly faults?: readonly FaultRate[];
  /** Changes the list while it is read. Default none. */
  readonly drift?: DriftOptions;
  /**
   * `body`: pages hold `pagination` and the header; `header`: only Content-Range; `none`: neither. Default `body`.
   */
  readonly pagination?: 'body' | 'header' | 'none';
  /** Answers as if `id__starts_with` had not been asked for. Default false. */
  readonly ignoreIdStartsWith?: boolean;
  /** Most bytes of encoded jobs to keep. Default 256 MiB. Jobs with sequences over 16 KiB are never kept. */
  readonly cacheBytes?: number;
  /** Encodes as many jobs as `cacheBytes` allows before the first request. Default false: when first asked for. */
  readonly warm?: boolean;
  /** Seconds in the Retry-After of faults. Default 1. */
  readonly retryAfterSeconds?: number;
  /** Milliseconds for which the fault `refused` keeps the listener closed. Default 100. */
  readonly refusedMs?: number;
  /** Bytes of the body of the fault `oversize`. Default 65 MiB, just over what a page may have. */
  readonly oversizeBytes?: number;
  /** Called for each page request that was let in, before the list is looked at. `n` counts from 1. */
  readonly onRequest?: (query: JobQuery, n: number) => void;
  /** Wall time in milliseconds, for tokens and dates. Default `Date.now`. */
  readonly now?: () => number;
  /** Monotonic milliseconds, for the rate limit. Default `performance.now`. */
  readonly monotonic?: () => number;
}
