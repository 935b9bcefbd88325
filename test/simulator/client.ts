import { request } from 'node:http';
import { type Simulator, type SimulatorOptions, startSimulator } from './index.ts';

/** Looks, a millisecond apart, at a silent answer before the client gives up. */
const SILENT_LOOKS = 5;

/** What a client that trusts nothing saw of one answer. */
export interface Seen {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The message arrived whole, as HTTP's framing tells. */
  readonly complete: boolean;
  /** Code of the error that ended it; `HUNG` when the client gave up waiting. */
  readonly error: string | undefined;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Asked again and again with the bytes of body so far: true means that no more is expected to come. */
  readonly giveUpWhen?: (received: number) => boolean;
}

/** Sends one request on a connection of its own and reports whatever comes back, broken or not. */
export function ask(url: string, options: AskOptions = {}): Promise<Seen> {
  const { method = 'GET', headers = {}, body, giveUpWhen = () => false } = options;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let answer: Pick<Seen, 'status' | 'headers'> = { status: undefined, headers: {} };
    let complete = false;
    const settle = (error?: string): void => {
      clearInterval(watch);
      sent.destroy();
      resolve({ ...answer, body: Buffer.concat(chunks), complete, error });
    };
    const fail = (error: Error & { code?: string }): void => settle(error.code ?? error.message);
    const sent = request(url, { method, headers, agent: false }, (response) => {
      answer = { status: response.statusCode, headers: response.headers };
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        complete = response.complete;
        settle();
      });
    });
    let silent = 0;
    const watch = setInterval(() => {
      const received = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      silent = giveUpWhen(received) ? silent + 1 : 0;
      if (silent === SILENT_LOOKS) settle('HUNG');
    }, 1);
    sent.on('error', fail);
    sent.end(body);
  });
}

/** The endpoint's URL with a query string. */
export function jobsUrl(simulator: Simulator, query = ''): string {
  return `${simulator.url}/api/v2/jobs${query === '' ? '' : `?${query}`}`;
}

/** Runs a test against a simulator of its own and closes it whatever happens. */
export async function withSimulator(
  options: SimulatorOptions,
  test: (simulator: Simulator) => Promise<void>,
): Promise<void> {
  const simulator = await startSimulator(options);
  try {
    await test(simulator);
  } finally {
    await simulator.close();
  }
}

export interface PageBody {
  readonly status: string;
  readonly message: string;
  readonly code: unknown;
  readonly data: readonly Record<string, unknown>[];
  readonly pagination?: { readonly total: unknown; readonly start: number; readonly end: number };
}

export function isPageBody(value: unknown): value is PageBody {
  return (
    typeof value === 'object' && value !== null && 'data' in value && Array.isArray(value.data)
  );
}

/** Asks for a page and reads it. Throws when it is none. */
export async function getPage(simulator: Simulator, query = ''): Promise<PageBody> {
  const seen = await ask(jobsUrl(simulator, query));
  const value: unknown = JSON.parse(seen.body.toString());
  if (seen.status === 200 && isPageBody(value)) return value;
  throw new Error(`expected a page for '${query}', got ${seen.status} ${seen.body.toString()}`);
}

/** Ids of a page, in order. */
export function idsOf(page: PageBody): unknown[] {
  return page.data.map((job) => job.id);
}
