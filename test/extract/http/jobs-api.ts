import type http from 'node:http';
import {
  createJobsClient,
  type JobsClient,
  type JobsClientOptions,
} from '../../../src/extract/http/client.ts';
import type { PageAnswer, PageQuery } from '../../../src/extract/page.ts';
import type { RunEvent } from '../../../src/platform/effects.ts';
import { EXIT, type ExitCode, ExportError } from '../../../src/platform/errors.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import type { Seen, TestServer } from '../../support/http-servers.ts';

/** Jobs a test API holds, unless a test says otherwise. */
export const TOTAL = 250;
export const PATH = '/core-fast/api/v2/jobs';

/** The window a request asks for. */
export function windowOf({ url }: Pick<Seen, 'url'>): { offset: number; limit: number } {
  const query = new URL(url, 'http://api').searchParams;
  return { offset: Number(query.get('offset')), limit: Number(query.get('limit')) };
}

/** Rows as the list holds them: each names its position. */
export function rowsAt(offset: number, limit: number, total = TOTAL): { id: string }[] {
  const length = Math.min(limit, Math.max(0, total - offset));
  return Array.from({ length }, (_, i) => ({ id: `job-${offset + i}` }));
}

/** The body of a right answer. */
export function pageBody(request: Pick<Seen, 'url'>, total = TOTAL): string {
  const { offset, limit } = windowOf(request);
  const data = rowsAt(offset, limit, total);
  return JSON.stringify({
    status: 'success',
    code: '200',
    data,
    pagination: { total, start: offset, end: offset + data.length },
  });
}

export function sendJson(
  response: http.ServerResponse,
  body: string,
  headers: http.OutgoingHttpHeaders = {},
  status = 200,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

export function sendPage(response: http.ServerResponse, request: Seen, total = TOTAL): void {
  sendJson(response, pageBody(request, total));
}

export function ids(page: PageAnswer): unknown[] {
  return page.kind === 'page' ? page.rows.map((job) => job.string('id')) : [page.kind];
}

export interface TestClient extends JobsClient {
  readonly events: readonly RunEvent[];
  readonly clock: FakeClock;
}

/** A client whose clock never makes a test wait and whose backoff is always half of what it may be. */
export function connect(
  url: string,
  options: Partial<JobsClientOptions> & { clock?: FakeClock; random?: () => number } = {},
): TestClient {
  const { clock = fakeClock(), random = () => 0.5, ...rest } = options;
  const events: RunEvent[] = [];
  const client = createJobsClient(
    {
      apiUrl: `${url}/core-fast`,
      filters: {},
      credentials: { kind: 'none' },
      concurrency: 16,
      userAgent: 'test/1',
      deadlineAt: Infinity,
      giveUpAfterMs: Infinity,
      ...rest,
    },
    { clock, random, emit: (event) => events.push(event) },
  );
  return Object.assign(client, { events, clock });
}

/** Runs a test with a server and a client, and closes both. */
export async function withClient<T>(
  starting: Promise<TestServer>,
  options: Parameters<typeof connect>[1],
  test: (client: TestClient, server: TestServer) => Promise<T>,
): Promise<T> {
  const server = await starting;
  const client = connect(server.url, options);
  try {
    return await test(client, server);
  } finally {
    await client.close();
    await server.close();
  }
}

export const FIRST: PageQuery = { offset: 0, limit: 100 };
export const SECOND: PageQuery = { offset: 100, limit: 100 };
export const LAST: PageQuery = { offset: 200, limit: 100 };

/** A predicate for `assert.rejects`: the exit code, and a message that names the request and matches `pattern`. */
export function exits(
  exitCode: ExitCode,
  pattern = /./,
  request = `GET ${PATH} (offset 0)`,
): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof ExportError)) throw error;
    const asExpected = error.exitCode === exitCode && error.stage === 'extract';
    const says = error.message.startsWith(`${request}: `) && pattern.test(error.message);
    // A certificate and a proxy's refusal stay until somebody mends them.
    const lasts = /TLS|does not connect to \S+ \(4/.test(error.message);
    const retryable = exitCode === EXIT.temporary || (exitCode === EXIT.unavailable && !lasts);
    if (asExpected && says && error.retryable === retryable) return true;
    throw new Error(`exit ${error.exitCode}, ${error.message}`, { cause: error });
  };
}
