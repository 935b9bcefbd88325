import type { Credentials, TokenEndpoint } from '../../jobs/options.ts';
import { EXIT, ExportError, messageOf } from '../../platform/errors.ts';
import { readJson } from './body.ts';
import { type Cancellation, createAdmission } from './concurrency.ts';
import { done, failure, fault, type Outcome } from './faults.ts';
import { isRecord } from './page-answer.ts';
import { type ProxyOptions, proxyFor } from './proxy.ts';
import { passingFault, quote, type Redact, redactor } from './refusal.ts';
import { type RetryState, retry } from './retry.ts';
import { createTransport, type HttpAnswer, type Timeouts } from './transport.ts';

/** What goes into the Authorization header; one object a token, so that identity tells one token from the next. */
export interface Authorization {
  /** Undefined: no header. */
  readonly header: string | undefined;
}

/** Where authorizations come from. All workers of a run share one. */
export interface SignIn {
  /** The one in force. */
  current(): Promise<Authorization>;
  /**
   * The one after `refused`, fetched once however many workers ask; undefined when there is no way to another.
   */
  after(refused: Authorization): Promise<Authorization | undefined>;
  /** What to do when the server refuses. */
  readonly advice: string;
  /** What must never be read back to anybody: what was given, and the bearer token in force. */
  secrets(): readonly string[];
  /** Lets go of the token endpoint's connection. */
  close(): Promise<void>;
}

export interface SignInOptions {
  readonly credentials: Credentials;
  readonly timeouts: Timeouts;
  readonly userAgent: string;
  readonly proxy: ProxyOptions;
}

/**
 * Chooses how to sign in. Nothing is sent before the first authorization is asked for.
 *
 * @param state shared with the requests for pages: one budget, one deadline
 * @throws ExportError (78) when a given token cannot stand in a header
 */
export function openSignIn(
  options: SignInOptions,
  state: RetryState,
  cancellation: Cancellation,
): SignIn {
  const { credentials } = options;
  if (credentials.kind === 'password' || credentials.kind === 'client')
    return renewingSignIn(credentials, options, state, cancellation);
  const token = credentials.kind === 'token' ? credentials.token : undefined;
  if (token !== undefined && !isUsableToken(token)) {
    const what =
      'The token given has spaces, line breaks or other characters no token has. Check PASQAL_TOKEN.';
    throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
  }
  const authorization = { header: token === undefined ? undefined : `Bearer ${token}` };
  return {
    current: async () => authorization,
    after: async () => undefined,
    advice:
      token === undefined
        ? 'No credentials were given: set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET.'
        : 'Get a new token and set PASQAL_TOKEN; or sign in with a user name and password, or a client id and secret, which renew it by themselves.',
    secrets: () => (token === undefined ? [] : [token]),
    close: async () => {},
  };
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

/**
 * Fetches tokens as they are needed. A token near its end is renewed in the background while the workers use it on;
 * only one that has ended, or was refused, makes them wait, for one request they share.
 */
function renewingSignIn(
  grant: Grant,
  options: SignInOptions,
  state: RetryState,
  cancellation: Cancellation,
): SignIn {
  const { clock, emit } = state.effects;
  const endpoint = openEndpoint(grant, options, state, cancellation);
  let token: Token | undefined;
  let authorization: Authorization = { header: undefined };
  let nextTryAt = Number.NEGATIVE_INFINITY;
  let renewal: Promise<Authorization> | undefined;
  let closed = false;

  function renew(): Promise<Authorization> {
    renewal ??= endpoint
      .fetchToken()
      .then((fresh) => {
        token = fresh;
        authorization = { header: `Bearer ${fresh.text}` };
        return authorization;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  }

  function renewInBackground(now: number): void {
    nextTryAt = now + RENEWAL_PAUSE_MS;
    renew().catch((error: unknown) => {
      if (closed) return;
      const message = `The token could not be renewed yet, it is used on: ${messageOf(error)}`;
      emit({ type: 'log', level: 'warn', message });
    });
  }

  return {
    async current() {
      const now = clock.monotonic();
      if (token === undefined || now >= token.expiresAt) return renew();
      if (now >= Math.max(token.renewAt, nextTryAt) && !renewal) renewInBackground(now);
      return authorization;
    },
    async after(refused) {
      return refused === authorization ? renew() : authorization;
    },
    advice:
      'The server refuses a token it has just issued: check which account and audience it is for.',
    secrets: () => [...endpoint.secrets, ...(token === undefined ? [] : [token.text])],
    close() {
      closed = true;
      return endpoint.close();
    },
  };
}

/** Credentials that a token can be fetched with. */
type Grant = Extract<Credentials, { endpoint: TokenEndpoint }>;

const MAX_TOKEN_BYTES = 1024 * 1024;
const DESCRIPTION_CHARACTERS = 300;

function openEndpoint(
  grant: Grant,
  { timeouts, userAgent, proxy: proxies }: SignInOptions,
  state: RetryState,
  cancellation: Cancellation,
) {
  const { clock } = state.effects;
  const url = new URL(grant.endpoint.url);
  const request = `POST ${url.origin}${url.pathname}`;
  const proxy = proxyFor(url, proxies);
  const transport = createTransport(url, 1, proxy);
  const admission = createAdmission(1, state, state.effects);
  const secret = grant.kind === 'client' ? grant.clientSecret : grant.password;
  const secrets = [secret, ...(proxy?.secrets ?? [])];
  const redact = redactor(() => secrets);
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
  return {
    secrets,
    close: () => transport.close(),
    fetchToken: (): Promise<Token> =>
      cancellation.run(undefined, async (signal) => {
        let askedAt = clock.monotonic();
        const { text, expiresIn } = await retry(request, signal, state, admission, () =>
          admission.run(request, signal, async (msLeft) => {
            askedAt = clock.monotonic();
            const totalMs = Math.min(timeouts.totalMs, msLeft);
            const limits = { ...timeouts, totalMs };
            const sent = await transport.send({ ...post, signal, timeouts: limits });
            if (sent.kind === 'fault') return sent;
            return readTokenAnswer(sent.value, request, clock.wall(), redact);
          }),
        );
        return tokenFrom(text, lifetimeMs(expiresIn, text, clock.wall()), askedAt);
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

/** @throws ExportError 77 when the sign-in is refused, 76 when the endpoint does not answer as a token endpoint does */
async function readTokenAnswer(
  answer: HttpAnswer,
  request: string,
  wall: number,
  redact: Redact,
): Promise<Outcome<{ readonly text: string; readonly expiresIn: unknown }>> {
  const { status } = answer;
  const passing = passingFault(answer, wall);
  if (passing) return passing;
  const body = await readJson(answer, MAX_TOKEN_BYTES);
  const fields = isRecord(body) ? body : {};
  if (status === 400 || status === 401 || status === 403) {
    const said = [fields.error, fields.error_description].filter((s) => typeof s === 'string');
    const words = quote(redact(said.join(': ')), DESCRIPTION_CHARACTERS);
    const what = `the sign-in was refused (${status}${words === '' ? '' : `, ${words}`}). Check the user name, password or client secret.`;
    throw failure(request, what, EXIT.credentials);
  }
  const advice = 'Check PASQAL_TOKEN_URL.';
  if (status < 200 || status >= 300) {
    const what = status < 400 ? `redirected (${status}), which is refused` : `answered ${status}`;
    throw failure(request, `the token endpoint ${what}. ${advice}`, EXIT.protocol);
  }
  if (body === undefined) return fault('malformed', 'the answer is not whole JSON');
  const { access_token: text, expires_in: expiresIn } = fields;
  if (isUsableToken(text)) return done({ text, expiresIn });
  throw failure(request, `the answer holds no usable access_token. ${advice}`, EXIT.protocol);
}

/** What may stand in an Authorization header: visible ASCII. */
function isUsableToken(token: unknown): token is string {
  return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token);
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
    return isRecord(claims) && typeof claims.exp === 'number' ? claims.exp : undefined;
  } catch {
    return undefined;
  }
}
