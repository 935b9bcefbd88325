import type { Credentials } from '../../jobs/options.ts';
import type { Filters } from '../../jobs/pipeline.ts';
import type { FetchPage, Page, PageQuery, PageTooLarge } from '../../json/page.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import { createCancellation } from './cancellation.ts';
import type { Outcome } from './faults.ts';
import { openSignIn, secretsOf } from './open-sign-in.ts';
import { createPageRequests } from './page-request.ts';
import { type HttpEffects, retry, startRetryState } from './retry.ts';
import { redactor } from './safe-text.ts';
import { createSlots } from './slots.ts';
import { createTransport, type Timeouts } from './transport.ts';
import { createTurns } from './turns.ts';

export interface JobsClientOptions {
  /** Base URL without a trailing slash, e.g. `https://apis.pasqal.cloud/core-fast`. */
  readonly apiUrl: string;
  readonly filters: Filters;
  readonly credentials: Credentials;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** Monotonic milliseconds of `effects.clock` after which the run stops. Default: never. */
  readonly deadlineAt?: number | undefined;
  /** Decoded bytes a page may have. Default 64 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Default: 30 s to the headers, 30 s between two pieces of the body, 120 s in all. */
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly userAgent: string;
}

/** What a client has done so far; live. */
export interface RequestStats {
  /** Requests sent to the API, repeated ones included, sign-ins not. */
  readonly requests: number;
  /** Attempts made because one before had failed, sign-ins included. */
  readonly retries: number;
  /** Bytes of the pages' bodies, after decompression. */
  readonly bytesReceived: number;
  readonly inFlight: number;
  /** Answers 429 and 503. */
  readonly refusals: number;
}

export interface JobsClient {
  /**
   * Fetches a page; retries, sign-in, pauses and concurrency are seen to. Call it for as many pages as wanted: they
   * queue.
   *
   * @throws ExportError as docs/http.md tells; the signal's reason, at once, also while queueing or waiting
   */
  readonly fetchPage: FetchPage;
  readonly stats: RequestStats;
  /** Requests allowed in flight just now. */
  readonly concurrency: number;
  /** Breaks off what is under way and every connection. No timer, socket or listener stays. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const TIMEOUTS: Timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 120_000 };

/**
 * A client of GET /api/v2/jobs, ordered by `created_at ASC`. Nothing is sent before the first page is asked for.
 *
 * @throws ExportError (78) when a given token cannot stand in a header
 */
export function createJobsClient(options: JobsClientOptions, effects: HttpEffects): JobsClient {
  const { concurrency, credentials, filters, userAgent } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const deadlineAt = options.deadlineAt ?? Number.POSITIVE_INFINITY;
  const maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const { origin, pathname } = new URL(options.apiUrl);
  const path = `${pathname.replace(/\/+$/, '')}/api/v2/jobs`;

  const state = startRetryState(deadlineAt, effects);
  const cancellation = createCancellation();
  const opened = openSignIn({ credentials, timeouts, userAgent }, state, cancellation);
  const { signIn } = opened;
  const redact = redactor(() => [...secretsOf(credentials), signIn.secret() ?? '']);
  const transport = createTransport(origin, concurrency);
  // Pages under way, those in backoff included: they hold no request, but an outage must not set every page that
  // queues to failing, and so use up the budget of the run. One that has come and is still to be read is not.
  const places = createSlots(concurrency);
  const turns = createTurns();
  const admission = createAdmission(concurrency, deadlineAt, effects.clock);
  const pages = createPageRequests(
    { path, filters, userAgent, maxBodyBytes, timeouts },
    { transport, signIn, redact, effects },
  );

  return {
    fetchPage(query, source) {
      const request = `GET ${path} (${placeOf(query)})`;
      let leave: (() => void) | undefined;
      async function attempt(signal: AbortSignal): Promise<Outcome<Page | PageTooLarge>> {
        leave ??= await places.take();
        const sent = await admission.run(request, signal, (msLeft) =>
          pages.send({ query, request, signal, msLeft }),
        );
        if (sent.kind === 'fault') return sent;
        leave();
        leave = undefined;
        await turns.next();
        return pages.read({ query, request }, sent.value);
      }
      return cancellation.run(source, async (signal) => {
        try {
          return await retry(request, signal, state, admission, () => attempt(signal));
        } finally {
          leave?.();
        }
      });
    },
    stats: {
      get requests() {
        return pages.counts.requests;
      },
      get retries() {
        return state.retries;
      },
      get bytesReceived() {
        return pages.counts.bytesReceived;
      },
      get inFlight() {
        return admission.inFlight;
      },
      get refusals() {
        return pages.counts.refusals;
      },
    },
    get concurrency() {
      return admission.concurrency;
    },
    async close() {
      const what = 'The client was closed while requests were under way.';
      cancellation.cancelAll(new ExportError(what, { exitCode: EXIT.bug, stage: 'extract' }));
      await Promise.all([transport.close(), opened.close()]);
    },
  };
}

function placeOf({ offset, idStartsWith }: PageQuery): string {
  return idStartsWith === undefined
    ? `offset ${offset}`
    : `offset ${offset}, ids from ${idStartsWith}`;
}
