import { EXIT, type ExportError } from '../../platform/errors.ts';
import { readBody } from './body.ts';
import type { HttpAnswer } from './exchange.ts';
import { failure } from './give-up.ts';
import { quote, type Redact } from './safe-text.ts';

const MAX_DETAILS = 50;
const MESSAGE_CHARACTERS = 200;
const PLACE_CHARACTERS = 100;
const MAX_BYTES = 64 * 1024;

/**
 * The error of a 422: every detail's place and message, in the API's words. Other fields of a detail, `input` above
 * all, are left out: they repeat what was sent. Source: GET /api/v2/jobs, "422 Validation Error".
 */
export async function refusedQuery(
  answer: HttpAnswer,
  request: string,
  redact: Redact,
): Promise<ExportError> {
  const body = await readBody(answer, MAX_BYTES);
  const details =
    body.kind === 'json' ? detailsOf(body.value).map((detail) => describe(detail, redact)) : [];
  const words = details.slice(0, MAX_DETAILS).map((text) => `\n  - ${text}`);
  const more = details.length - words.length;
  if (more > 0) words.push(`\n  - and ${more} more`);
  const what = `the server refused the query (422). Change the filters that it names, or --page-size.`;
  return failure(request, what + words.join(''), EXIT.config);
}

function detailsOf(body: unknown): unknown[] {
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : [];
  return Array.isArray(detail) ? detail : [detail];
}

/** Redacted before it is shortened: half a secret would not be recognized. */
function describe(detail: unknown, redact: Redact): string {
  if (typeof detail === 'string') return quote(redact(detail), MESSAGE_CHARACTERS);
  const { loc, msg } = {
    loc: [],
    msg: 'no message',
    ...(typeof detail === 'object' ? detail : {}),
  };
  const place = Array.isArray(loc) ? loc.join('.') : String(loc);
  const message = typeof msg === 'string' ? msg : 'no message';
  return `${quote(redact(place), PLACE_CHARACTERS)}: ${quote(redact(message), MESSAGE_CHARACTERS)}`;
}
