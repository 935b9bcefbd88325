import type { Credentials, TokenEndpoint } from '../../jobs/options.ts';
import { EXIT } from '../../platform/errors.ts';
import { readBody } from './body.ts';
import type { HttpAnswer } from './exchange.ts';
import { done, fault, type Outcome } from './faults.ts';
import { failure } from './give-up.ts';
import { passingFault } from './passing-status.ts';
import { quote, type Redact } from './safe-text.ts';

/** Credentials that a token can be fetched with. */
export type Grant = Extract<Credentials, { endpoint: TokenEndpoint }>;

/** What a token endpoint gives. */
export interface TokenAnswer {
  readonly text: string;
  /** As sent. */
  readonly expiresIn: unknown;
}

export const MAX_TOKEN_BYTES = 1024 * 1024;
const DESCRIPTION_CHARACTERS = 300;
/** What may stand in an Authorization header: visible ASCII. */
const HEADER_TOKEN = /^[\x21-\x7e]+$/;

export function isUsableToken(token: unknown): token is string {
  return typeof token === 'string' && HEADER_TOKEN.test(token);
}

/** The form fields of a sign-in. Source: the platform's token endpoints, docs/api.md "Sign-in". */
export function tokenForm(grant: Grant): string {
  const { endpoint } = grant;
  const fields =
    grant.kind === 'client'
      ? {
          grant_type: 'client_credentials',
          client_id: grant.clientId,
          client_secret: grant.clientSecret,
          audience: endpoint.audience,
        }
      : {
          client_id: endpoint.publicClientId,
          grant_type: endpoint.passwordGrant,
          realm: endpoint.realm,
          audience: endpoint.audience,
          username: grant.username,
          password: grant.password,
        };
  return new URLSearchParams(fields).toString();
}

/**
 * Reads the answer of a token endpoint.
 *
 * @param request names the request in messages
 * @param wall wall time, milliseconds since the epoch
 * @throws ExportError 77 when the sign-in is refused, 76 when the endpoint does not answer as a token endpoint does
 */
export async function readTokenAnswer(
  answer: HttpAnswer,
  request: string,
  wall: number,
  redact: Redact,
): Promise<Outcome<TokenAnswer>> {
  const { status } = answer;
  const passing = passingFault(answer, wall);
  if (passing) return passing;
  const body = await readBody(answer, MAX_TOKEN_BYTES);
  const fields = body.kind === 'json' && isObject(body.value) ? body.value : {};
  if (status === 400 || status === 401 || status === 403) {
    const said = [fields.error, fields.error_description].filter((s) => typeof s === 'string');
    const words = quote(redact(said.join(': ')), DESCRIPTION_CHARACTERS);
    const what = `the sign-in was refused (${status}${words === '' ? '' : `, ${words}`})`;
    throw failure(
      request,
      `${what}. Check the user name, password or client secret.`,
      EXIT.credentials,
    );
  }
  if (status < 200 || status >= 300) {
    const what = status < 400 ? `redirected (${status}), which is refused` : `answered ${status}`;
    throw failure(request, `the token endpoint ${what}. Check PASQAL_TOKEN_URL.`, EXIT.protocol);
  }
  if (body.kind === 'malformed') return fault('malformed', body.what);
  const token = fields.access_token;
  if (!isUsableToken(token)) {
    throw failure(
      request,
      'the answer holds no usable access_token. Check PASQAL_TOKEN_URL.',
      EXIT.protocol,
    );
  }
  return done({ text: token, expiresIn: fields.expires_in });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
