import type { Page, PageQuery, PageTooLarge } from '../../json/page.ts';
import { EXIT } from '../../platform/errors.ts';
import { readBodyAs } from './body.ts';
import type { HttpAnswer } from './exchange.ts';
import { done, type Failed, fault, type Outcome } from './faults.ts';
import { failure } from './give-up.ts';
import { readPageAnswer, readPageBody } from './page-answer.ts';
import { passingFault } from './passing-status.ts';
import { refusedQuery } from './refused-query.ts';
import type { Redact } from './safe-text.ts';

const REPORT = 'Report it to the operators of the API.';
const HINTS: Readonly<Record<number, string>> = {
  400: 'Check the filters.',
  404: 'Check --api-url.',
};

/** Whether an answer should hold a page. */
export function isGood({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/**
 * Reads any other answer as a fault worth a retry, or an error. A 401 is the caller's.
 *
 * @param context the request's name in messages, and the wall time, milliseconds since the epoch
 * @throws ExportError 76, 77 or 78, after docs/http.md "Answers"
 */
export async function readRefusal(
  answer: HttpAnswer,
  { request, wall, redact }: { request: string; wall: number; redact: Redact },
): Promise<Failed> {
  const { status } = answer;
  const passing = passingFault(answer, wall);
  if (passing) return passing;
  if (status === 422) throw await refusedQuery(answer, request, redact);
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

/**
 * Reads a good answer as a page, or as a fault worth a retry.
 *
 * @throws ExportError 65 or 76, after docs/http.md "Answers"
 */
export async function readPage(
  answer: HttpAnswer,
  { request, query, maxBodyBytes }: { request: string; query: PageQuery; maxBodyBytes: number },
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
