import { EXIT } from '../../domain/errors.ts';
import type { Page, PageQuery, PageTooLarge } from '../../domain/page.ts';
import { readBodyAs } from './body.ts';
import type { HttpAnswer } from './exchange.ts';
import { done, fault, type Outcome } from './faults.ts';
import { failure } from './give-up.ts';
import { readPageAnswer, readPageBody } from './page-answer.ts';
import { passingFault } from './passing-status.ts';
import { refusedQuery } from './refused-query.ts';
import type { Redact } from './safe-text.ts';

/** What an answer is read against. */
export interface AnswerContext {
  /** Names the request in messages. */
  readonly request: string;
  readonly query: PageQuery;
  readonly maxBodyBytes: number;
  /** Wall time, milliseconds since the epoch. */
  readonly wall: number;
  readonly redact: Redact;
}

const REPORT = 'Report it to the operators of the API.';
const HINTS: Readonly<Record<number, string>> = {
  400: 'Check the filters.',
  404: 'Check --api-url.',
};

/**
 * Turns the HTTP answer to a page query into a page, a fault worth a retry, or an error. A 401 is the caller's.
 *
 * @throws ExportError 65, 76, 77 or 78, after docs/http.md "Answers"
 */
export async function readAnswer(
  answer: HttpAnswer,
  context: AnswerContext,
): Promise<Outcome<Page | PageTooLarge>> {
  const { status } = answer;
  if (status >= 200 && status < 300) return readOk(answer, context);
  const { request } = context;
  const passing = passingFault(answer, context.wall);
  if (passing) return passing;
  if (status === 422) throw await refusedQuery(answer, request, context.redact);
  if (status === 403) {
    const what =
      'the server answered 403: these credentials may not list the jobs. Check their permissions.';
    throw failure(request, what, EXIT.credentials);
  }
  if (status < 400) {
    const what = `the server redirects (${status}); a redirect is refused, so that the token goes nowhere else.`;
    throw failure(request, `${what} Set --api-url to the final address.`, EXIT.protocol);
  }
  const what = `the server answered ${status}. ${HINTS[status] ?? REPORT}`;
  throw failure(request, what, EXIT.protocol);
}

async function readOk(
  answer: HttpAnswer,
  { request, query, maxBodyBytes }: AnswerContext,
): Promise<Outcome<Page | PageTooLarge>> {
  const body = await readBodyAs(answer, maxBodyBytes, readPageBody);
  switch (body.kind) {
    case 'too-large':
      return done({ kind: 'too-large', limitBytes: maxBodyBytes });
    case 'malformed':
      return fault('malformed', body.what);
    case 'not-utf8':
      throw failure(request, `the body is not valid UTF-8. ${REPORT}`, EXIT.data);
    case 'unknown-encoding': {
      const what = 'the body is in a content-encoding that was not asked for (only gzip was)';
      throw failure(request, `${what}. ${REPORT}`, EXIT.protocol);
    }
    case 'json': {
      const page = readPageAnswer(body.value, query, answer.header('content-range'));
      if (page.kind === 'broken') throw failure(request, `${page.what}. ${REPORT}`, EXIT.protocol);
      return page.kind === 'page'
        ? done({ ...page, bytes: body.bytes })
        : fault(page.kind, page.what);
    }
  }
}
