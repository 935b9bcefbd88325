import * as v from 'valibot';
import type { Credentials, TokenEndpoint } from '../../jobs/options.ts';
import { EXIT, ExportError, messageOf } from '../../platform/errors.ts';
import { type Quote, quoter, withoutPassing } from './answer.ts';
import { Admission, following } from './concurrency.ts';
import { Fault } from './faults.ts';
import { type ProxyOptions, proxyFor } from './proxy.ts';
import { type RetryState, retry } from './retry.ts';
import { type HttpAnswer, readJson, type Timeouts, Transport } from './transport.ts';

export interface SignInOptions {
  readonly credentials: Credentials;
  readonly timeouts: Timeouts;
  readonly userAgent: string;
  readonly proxies: ProxyOptions;
}

/** A bearer token and the monotonic milliseconds that matter in its life; Infinity when its end is not known. */
export interface Token {
  /** Undefined: requests go without one. */
  readonly text: string | undefined;
  /** From here on a new one is fetched, while this one is still used. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The official SDK renews one minute before expiry; a token of under two minutes is renewed at half its life. */
const MARGIN_MS = 60_000;
/** After a failed renewal the token in force is used on, and the next try waits this long. */
const RENEWAL_PAUSE_MS = 10_000;

export type SignIn = ReturnType<typeof openSignIn>;

/**
 * The token that all workers of a run share. One near its end is renewed in the background while the workers use it on;
 * only one that has ended, or was refused, makes them wait, for one request they share. Nothing is sent before the first
 * token is asked for.
 *
 * @param state shared with the requests for pages: one budget, one deadline
 * @param closing aborts when tokens are not wanted any more
 * @throws ExportError (78) when a given token cannot stand in a header
 */
export function openSignIn(options: SignInOptions, state: RetryState, closing: AbortSignal) {
  const { credentials } = options;
  const { clock, emit } = state.effects;
  const source =
    'endpoint' in credentials
      ? tokenEndpoint(credentials, options, state, closing)
      : givenToken(credentials);
  let token: Token | undefined;
  let nextTryAt = Number.NEGATIVE_INFINITY;
  let renewal: Promise<Token> | undefined;

  async function renew(): Promise<string | undefined> {
    renewal ??= source.fetchToken().finally(() => {
      renewal = undefined;
    });
    token = await renewal;
    return token.text;
  }

  return {
    advice: source.advice,
    close: source.close,
    /** What must never be read back to anybody: what was given, and the token in force. */
    secrets: (): readonly string[] => [...source.secrets, token?.text ?? ''],
    /** The token in force; undefined: none. */
    async current(): Promise<string | undefined> {
      const now = clock.monotonic();
      if (token === undefined || now >= token.expiresAt) return renew();
      if (now < Math.max(token.renewAt, nextTryAt) || renewal) return token.text;
      nextTryAt = now + RENEWAL_PAUSE_MS;
      renew().catch((error: unknown) => {
        if (closing.aborted) return;
        const message = `The token could not be renewed yet, it is used on: ${messageOf(error)}`;
        emit({ type: 'log', level: 'warn', message });
      });
      return token.text;
    },
    /** The token after `refused`, fetched once however many ask; undefined when there is no other. */
    async after(refused: string | undefined): Promise<string | undefined> {
      const next = refused === token?.text ? await renew() : token?.text;
      return next === refused ? undefined : next;
    },
  };
}

/** Where tokens come from. `advice`: what to do when the server refuses; `secrets`: what nobody may read back. */
type TokenSource = ReturnType<typeof tokenEndpoint>;

function givenToken(credentials: Exclude<Credentials, Grant>): TokenSource {
  const text = credentials.kind === 'token' ? credentials.token : undefined;
  if (!v.is(v.optional(TOKEN_TEXT), text)) {
    const what =
      'The token given has spaces, line breaks or other characters no token has. Check PASQAL_TOKEN.';
    throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
  }
  return {
    fetchToken: async () => tokenFrom(text, undefined, 0),
    advice:
      text === undefined
        ? 'No credentials were given: set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET.'
        : 'Get a new token and set PASQAL_TOKEN; or sign in with a user name and password, or a client id and secret, which renew it by themselves.',
    secrets: text === undefined ? [] : [text],
    close: async () => {},
  };
}

/** Credentials that a token can be fetched with. */
type Grant = Extract<Credentials, { endpoint: TokenEndpoint }>;

const MAX_TOKEN_BYTES = 1024 * 1024;
const DESCRIPTION_CHARACTERS = 300;

/** Visible ASCII, as may stand in an Authorization header. */
const TOKEN_TEXT = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/));
const TOKEN_ANSWER = v.object({ access_token: TOKEN_TEXT, expires_in: v.optional(v.unknown()) });
const TOKEN_REFUSAL = v.object({
  error: v.fallback(v.string(), ''),
  error_description: v.fallback(v.string(), ''),
});

function tokenEndpoint(
  grant: Grant,
  { timeouts, userAgent, proxies }: SignInOptions,
  state: RetryState,
  closing: AbortSignal,
) {
  const { clock } = state.effects;
  const url = new URL(grant.endpoint.url);
  const request = `POST ${url.origin}${url.pathname}`;
  const proxy = proxyFor(url, proxies);
  const transport = new Transport(url, 1, proxy);
  const admission = new Admission(1, state);
  const secret = grant.kind === 'client' ? grant.clientSecret : grant.password;
  const secrets = [secret, ...(proxy?.secrets ?? [])];
  const quote = quoter(() => secrets);
  const headers = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': userAgent,
  };
  const body = tokenForm(grant);

  async function askOnce(signal: AbortSignal, msLeft: number): Promise<Token> {
    const askedAt = clock.monotonic();
    const answer = await transport.send({
      ...{ method: 'POST', path: url.pathname + url.search, headers, body, signal },
      maxBodyBytes: MAX_TOKEN_BYTES,
      timeouts: { ...timeouts, totalMs: Math.min(timeouts.totalMs, msLeft) },
    });
    const { access_token: text, expires_in } = readToken(answer, clock.wall(), quote);
    return tokenFrom(text, lifetimeMs(expires_in, text, clock.wall()), askedAt);
  }
  return {
    secrets,
    advice:
      'The server refuses a token it has just issued: check which account and audience it is for.',
    close: () => transport.close(),
    fetchToken: () =>
      following([closing], (signal) => {
        const asking = { request, signal };
        const attempt = () => admission.run(asking, (msLeft) => askOnce(signal, msLeft));
        return retry(asking, state, admission, attempt);
      }),
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

/** Reads what a token endpoint says. @throws Fault */
function readToken(answer: HttpAnswer, wall: number, quote: Quote) {
  const { status } = withoutPassing(answer, wall);
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

/**
 * @param lifetimeMs undefined when it is not known: then only a 401 tells
 * @param now monotonic milliseconds before the token was asked for, so that the time on the way counts as used up
 */
export function tokenFrom(
  text: string | undefined,
  lifetimeMs: number | undefined,
  now: number,
): Token {
  const lifetime = lifetimeMs ?? Number.POSITIVE_INFINITY;
  return {
    text,
    renewAt: now + Math.max(lifetime - MARGIN_MS, lifetime / 2),
    expiresAt: now + lifetime,
  };
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
