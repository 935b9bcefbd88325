import * as v from 'valibot';
import type { Credentials, TokenEndpoint } from '../../jobs/options.ts';
import { EXIT, ExportError, messageOf } from '../../platform/errors.ts';
import { readJson } from './body.ts';
import { Admission, following } from './concurrency.ts';
import { Fault } from './faults.ts';
import { type ProxyOptions, proxyFor } from './proxy.ts';
import { type Quote, quoter, record, withoutPassing } from './refusal.ts';
import { type RetryState, retry } from './retry.ts';
import { type HttpAnswer, type Timeouts, Transport } from './transport.ts';

export interface SignInOptions {
  readonly credentials: Credentials;
  readonly timeouts: Timeouts;
  readonly userAgent: string;
  readonly proxies: ProxyOptions;
}

/** A bearer token and the monotonic milliseconds that matter in its life; Infinity when its end is not known. */
export interface Token {
  readonly text: string;
  /** From here on a new one is fetched, while this one is still used. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The official SDK renews one minute before expiry; a token of under two minutes is renewed at half its life. */
const MARGIN_MS = 60_000;
/** After a failed renewal the token in force is used on, and the next try waits this long. */
const RENEWAL_PAUSE_MS = 10_000;

const ADVICE = {
  none: 'No credentials were given: set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET.',
  token:
    'Get a new token and set PASQAL_TOKEN; or sign in with a user name and password, or a client id and secret, which renew it by themselves.',
  grant:
    'The server refuses a token it has just issued: check which account and audience it is for.',
} as const;

/**
 * Where bearer tokens come from; all workers of a run share one. A token near its end is renewed in the background while
 * the workers use it on; only one that has ended, or was refused, makes them wait, for one request they share. Nothing is
 * sent before the first token is asked for.
 */
export class SignIn {
  /** What to do when the server refuses. */
  readonly advice: string;
  readonly #endpoint: Endpoint | undefined;
  readonly #state: RetryState;
  readonly #closing: AbortSignal;
  #token: Token | undefined;
  #nextTryAt = Number.NEGATIVE_INFINITY;
  #renewal: Promise<string> | undefined;

  /**
   * @param state shared with the requests for pages: one budget, one deadline
   * @throws ExportError (78) when a given token cannot stand in a header
   */
  constructor(options: SignInOptions, state: RetryState, closing: AbortSignal) {
    const { credentials } = options;
    this.#state = state;
    this.#closing = closing;
    if (credentials.kind === 'none' || credentials.kind === 'token') {
      this.advice = ADVICE[credentials.kind];
      if (credentials.kind === 'token') this.#token = tokenFrom(credentials.token, undefined, 0);
      if (this.#token === undefined || v.is(TOKEN_TEXT, this.#token.text)) return;
      const what =
        'The token given has spaces, line breaks or other characters no token has. Check PASQAL_TOKEN.';
      throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
    }
    this.advice = ADVICE.grant;
    this.#endpoint = openEndpoint(credentials, options, state, closing);
  }

  /** What must never be read back to anybody: what was given, and the token in force. */
  get secrets(): readonly string[] {
    return [...(this.#endpoint?.secrets ?? []), this.#token?.text ?? ''];
  }

  /** The token in force; undefined: none. */
  async current(): Promise<string | undefined> {
    const [token, endpoint] = [this.#token, this.#endpoint];
    if (endpoint === undefined) return token?.text;
    const now = this.#state.effects.clock.monotonic();
    if (token === undefined || now >= token.expiresAt) return this.#renew(endpoint);
    if (now >= Math.max(token.renewAt, this.#nextTryAt) && !this.#renewal) {
      this.#nextTryAt = now + RENEWAL_PAUSE_MS;
      this.#renew(endpoint).catch((error: unknown) => {
        if (this.#closing.aborted) return;
        const message = `The token could not be renewed yet, it is used on: ${messageOf(error)}`;
        this.#state.effects.emit({ type: 'log', level: 'warn', message });
      });
    }
    return token.text;
  }

  /** The token after `refused`, fetched once however many ask; undefined when there is no way to another. */
  async after(refused: string | undefined): Promise<string | undefined> {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return undefined;
    return refused === this.#token?.text ? this.#renew(endpoint) : this.#token?.text;
  }

  #renew({ fetchToken }: Endpoint): Promise<string> {
    this.#renewal ??= fetchToken()
      .then((fresh) => {
        this.#token = fresh;
        return fresh.text;
      })
      .finally(() => {
        this.#renewal = undefined;
      });
    return this.#renewal;
  }

  /** Lets go of the token endpoint's connection. */
  async close(): Promise<void> {
    await this.#endpoint?.close();
  }
}

/** Credentials that a token can be fetched with. */
type Grant = Extract<Credentials, { endpoint: TokenEndpoint }>;

const MAX_TOKEN_BYTES = 1024 * 1024;
const DESCRIPTION_CHARACTERS = 300;

/** Visible ASCII, as may stand in an Authorization header. */
const TOKEN_TEXT = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/));
const TOKEN_ANSWER = v.object({ access_token: TOKEN_TEXT, expires_in: v.optional(v.unknown()) });
type TokenAnswer = v.InferOutput<typeof TOKEN_ANSWER>;

type Endpoint = ReturnType<typeof openEndpoint>;

function openEndpoint(
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
  const post = {
    method: 'POST',
    path: url.pathname + url.search,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': userAgent,
    },
    body: tokenForm(grant),
    maxBodyBytes: MAX_TOKEN_BYTES,
  } as const;

  async function askOnce(signal: AbortSignal, msLeft: number): Promise<Token> {
    const askedAt = clock.monotonic();
    const limits = { ...timeouts, totalMs: Math.min(timeouts.totalMs, msLeft) };
    const answer = await transport.send({ ...post, signal, timeouts: limits });
    const { access_token: text, expires_in } = readToken(answer, clock.wall(), quote);
    return tokenFrom(text, lifetimeMs(expires_in, text, clock.wall()), askedAt);
  }
  return {
    secrets,
    close: () => transport.close(),
    fetchToken: (): Promise<Token> =>
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
function readToken(answer: HttpAnswer, wall: number, quote: Quote): TokenAnswer {
  const { status } = withoutPassing(answer, wall);
  const body = readJson(answer, MAX_TOKEN_BYTES);
  if (status === 400 || status === 401 || status === 403) {
    const { error, error_description } = record(body);
    const said = [error, error_description].filter((s) => typeof s === 'string').join(': ');
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
export function tokenFrom(text: string, lifetimeMs: number | undefined, now: number): Token {
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
  const seconds = typeof expiresIn === 'string' ? Number(expiresIn) : expiresIn;
  const sent = typeof seconds === 'number' ? seconds * 1000 : 0;
  if (sent > 0 && Number.isFinite(sent)) return sent;
  const exp = expClaim(token);
  const left = exp === undefined ? undefined : exp * 1000 - wall;
  return left !== undefined && left > 0 ? left : undefined;
}

function expClaim(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    );
    const { exp } = record(claims);
    return typeof exp === 'number' ? exp : undefined;
  } catch {
    return undefined;
  }
}
