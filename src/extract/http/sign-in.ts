import * as v from 'valibot';
import type { Credentials, TokenEndpoint } from '../../jobs/options.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import { type Quote, quoter, withoutPassing } from './answer.ts';
import { following } from './concurrency.ts';
import { Fault } from './faults.ts';
import { type RetryState, retry, waitForTurn } from './retry.ts';
import { type HttpAnswer, type HttpSettings, readJson, Transport } from './transport.ts';

/** The bearer token that all workers of a run share. */
export interface SignIn {
  /** What to do when the server refuses the token. */
  readonly advice: string;
  /** What must never be read back to anybody: what was given, and the token in force. */
  secrets(): readonly string[];
  /** The token in force, fetched once however many ask; undefined: requests go without one. */
  current(): Promise<string | undefined>;
  /** The token after `refused`, fetched once however many ask; undefined when there is no other. */
  after(refused: string | undefined): Promise<string | undefined>;
  close(): Promise<void>;
}

/**
 * Nothing is sent before the first token is asked for.
 *
 * @param state shared with the requests for pages: one budget, one deadline
 * @param closing aborts when tokens are not wanted any more
 * @throws ExportError (78) when a given token cannot stand in a header
 */
export function openSignIn(
  credentials: Credentials,
  settings: HttpSettings,
  state: RetryState,
  closing: AbortSignal,
): SignIn {
  return 'endpoint' in credentials
    ? tokenEndpoint(credentials, settings, state, closing)
    : givenToken(credentials);
}

function givenToken(credentials: Exclude<Credentials, Grant>): SignIn {
  const text = credentials.kind === 'token' ? credentials.token : undefined;
  if (!v.is(v.optional(TOKEN_TEXT), text)) {
    const what =
      'The token given has spaces, line breaks or other characters no token has. Check PASQAL_TOKEN.';
    throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
  }
  return {
    advice:
      text === undefined
        ? 'No credentials were given: set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET.'
        : 'Get a new token and set PASQAL_TOKEN; or sign in with a user name and password, or a client id and secret, which renew it by themselves.',
    secrets: () => [text ?? ''],
    current: async () => text,
    after: async () => undefined,
    close: async () => {},
  };
}

/** Credentials that a token can be fetched with. */
type Grant = Extract<Credentials, { endpoint: TokenEndpoint }>;

interface Token {
  readonly text: string;
  /** Monotonic milliseconds from which on a new one is fetched; Infinity when its end is not known: then a 401 tells. */
  readonly renewAt: number;
}

function tokenEndpoint(
  grant: Grant,
  settings: HttpSettings,
  state: RetryState,
  closing: AbortSignal,
): SignIn {
  const { clock } = state.effects;
  const url = new URL(grant.endpoint.url);
  const request = `POST ${url.origin}${url.pathname}`;
  const transport = new Transport(url, 1, settings);
  const given = grant.kind === 'client' ? grant.clientSecret : grant.password;
  const secrets = () => [given, ...transport.secrets, token?.text ?? ''];
  const quote = quoter(secrets);
  const form = {
    method: 'POST',
    path: url.pathname + url.search,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: tokenForm(grant),
    maxBodyBytes: MAX_TOKEN_BYTES,
  } as const;
  let token: Token | undefined;
  let renewal: Promise<Token> | undefined;

  async function askOnce(signal: AbortSignal): Promise<Token> {
    // The life of a token counts from before it was asked for: the time on the way is used up.
    const askedAt = await waitForTurn({ request, signal }, state);
    const answer = await transport.send({ ...form, signal, msLeft: state.deadlineAt - askedAt });
    const { access_token: text, expires_in } = readToken(withoutPassing(answer, state), quote);
    return { text, renewAt: askedAt + usableMs(lifetimeMs(expires_in, text, clock.wall())) };
  }

  async function renew(): Promise<string> {
    renewal ??= following([closing], (signal) =>
      retry({ request, signal }, state, () => askOnce(signal)),
    ).finally(() => {
      renewal = undefined;
    });
    token = await renewal;
    return token.text;
  }

  return {
    advice:
      'The server refuses a token it has just issued: check which account and audience it is for.',
    secrets,
    current: async () => (token && clock.monotonic() < token.renewAt ? token.text : renew()),
    async after(refused) {
      const next = refused === token?.text ? await renew() : token?.text;
      return next === refused ? undefined : next;
    },
    close: () => transport.close(),
  };
}

/** The form fields of a sign-in. Source: the platform's token endpoints, docs/api.md "Sign-in". */
function tokenForm(grant: Grant): string {
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

const MAX_TOKEN_BYTES = 1024 * 1024;
const DESCRIPTION_CHARACTERS = 300;

/** Visible ASCII, as may stand in an Authorization header. */
const TOKEN_TEXT = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/));
const TOKEN_ANSWER = v.object({ access_token: TOKEN_TEXT, expires_in: v.optional(v.unknown()) });
const TOKEN_REFUSAL = v.object({
  error: v.fallback(v.string(), ''),
  error_description: v.fallback(v.string(), ''),
});

/** Reads what a token endpoint says. @throws Fault */
function readToken(answer: HttpAnswer, quote: Quote) {
  const { status } = answer;
  const body = readJson(answer, MAX_TOKEN_BYTES);
  if (status === 400 || status === 401 || status === 403) {
    const refusal = v.safeParse(TOKEN_REFUSAL, body);
    const said = refusal.success ? Object.values(refusal.output).filter(Boolean).join(': ') : '';
    const words = quote(said, DESCRIPTION_CHARACTERS);
    const what = `the sign-in was refused (${status}${words === '' ? '' : `, ${words}`})`;
    const advice = 'Check the user name, password or client secret.';
    throw new Fault('unauthorized', what, { advice });
  }
  const advice = 'Check PASQAL_TOKEN_URL.';
  if (status < 200 || status >= 300) {
    const what = status < 400 ? `redirected (${status}), which is refused` : `answered ${status}`;
    throw new Fault('refused', `the token endpoint ${what}`, { advice });
  }
  if (body === undefined) throw new Fault('malformed', 'the answer is not whole JSON');
  const token = v.safeParse(TOKEN_ANSWER, body);
  if (token.success) return token.output;
  throw new Fault('refused', 'the answer holds no usable access_token', { advice });
}

/** The official SDK renews one minute before expiry; a token of under two minutes is renewed at half its life. */
export function usableMs(lifetimeMs = Number.POSITIVE_INFINITY): number {
  return Math.max(lifetimeMs - 60_000, lifetimeMs / 2);
}

/**
 * How long a fresh token lasts.
 *
 * @param expiresIn the field of that name, seconds
 * @param token read when the field is absent: the `exp` claim of a JWT (RFC 7519 section 4.1.4), seconds since the epoch
 * @param wall wall time, milliseconds since the epoch
 * @returns milliseconds, or undefined when neither tells
 */
export function lifetimeMs(expiresIn: unknown, token: string, wall: number): number | undefined {
  const seconds = ['string', 'number'].includes(typeof expiresIn) ? Number(expiresIn) : Number.NaN;
  return [seconds * 1000, expClaim(token) * 1000 - wall].find((ms) => ms > 0 && ms < Infinity);
}

/** NaN where there is none. */
function expClaim(token: string): number {
  try {
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    return v.parse(v.object({ exp: v.number() }), JSON.parse(claims)).exp;
  } catch {
    return Number.NaN;
  }
}
