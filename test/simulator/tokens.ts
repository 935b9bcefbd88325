import { text } from 'node:stream/consumers';
import { type FaultSender, refuse } from './fault-answers.ts';
import { type FaultPlan, isPageFault } from './faults.ts';
import { count, type Exchange, sendJson } from './http.ts';
import { Random } from './values.ts';

/** Who may sign in, and what the tokens are like. */
export interface SignIn {
  /** Accepted by the password grants. Default `user@example.com`. */
  readonly username?: string;
  /** Default `correct-password`. */
  readonly password?: string;
  /** Accepted by the client credentials grant. Default `service-account`. */
  readonly clientId?: string;
  /** Default `correct-secret`. */
  readonly clientSecret?: string;
  /** Bearer tokens accepted besides those issued, for ever. */
  readonly tokens?: readonly string[];
  /** Seconds an issued token is good for. Default 86,400. */
  readonly lifetimeSeconds?: number;
  /** False leaves `expires_in` out of the answer: only the token's own `exp` tells then. Default true. */
  readonly expiresIn?: boolean;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number>>;
}

/** Password grant types: the platform's two regions each have one. */
const PASSWORD_GRANTS = ['password', 'http://auth0.com/oauth/grant-type/password-realm'];
const REALM_GRANT = PASSWORD_GRANTS[1];

/** The token endpoint and the memory of what it issued. */
export class TokenIssuer {
  readonly #signIn: SignIn;
  readonly #now: () => number;
  readonly #random: Random;
  /** Expiry by token, milliseconds since the epoch. */
  readonly #expiry = new Map<string, number>();
  issued = 0;

  /** @param now wall time, milliseconds since the epoch */
  constructor(signIn: SignIn, seed: number, now: () => number) {
    this.#signIn = signIn;
    this.#now = now;
    this.#random = new Random(seed, 8);
  }

  /** Answers one form-encoded token request. Source: RFC 6749, sections 4.3, 4.4 and 5; Auth0's realm grant. */
  answer(form: URLSearchParams): TokenAnswer {
    const grant = form.get('grant_type');
    if (grant === null || form.get('client_id') === null) {
      return refusal(400, 'invalid_request', 'grant_type and client_id are required');
    }
    if (grant === 'client_credentials') return this.#client(form);
    if (!PASSWORD_GRANTS.includes(grant)) {
      return refusal(400, 'unsupported_grant_type', `Unsupported grant type: ${grant}`);
    }
    if (grant === REALM_GRANT && form.get('realm') === null) {
      return refusal(400, 'invalid_request', 'realm is required');
    }
    return this.#password(form);
  }

  /** True when an Authorization header carries a token that is known and has not expired. */
  accepts(authorization: string | undefined): boolean {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    if (this.#signIn.tokens?.includes(token)) return true;
    return (this.#expiry.get(token) ?? 0) > this.#now();
  }

  /** Makes every token issued so far worthless. */
  revoke(): void {
    this.#expiry.clear();
  }

  #password(form: URLSearchParams): TokenAnswer {
    const { username = 'user@example.com', password = 'correct-password' } = this.#signIn;
    if (form.get('username') === username && form.get('password') === password) {
      return this.#issue(username);
    }
    return refusal(403, 'invalid_grant', 'Wrong email or password.');
  }

  #client(form: URLSearchParams): TokenAnswer {
    const { clientId = 'service-account', clientSecret = 'correct-secret' } = this.#signIn;
    if (form.get('client_id') === clientId && form.get('client_secret') === clientSecret) {
      return this.#issue(clientId);
    }
    return refusal(401, 'access_denied', 'Unauthorized');
  }

  #issue(subject: string): TokenAnswer {
    const { lifetimeSeconds = 86_400, expiresIn = true } = this.#signIn;
    const issuedAt = Math.floor(this.#now() / 1000);
    this.issued += 1;
    const claims = {
      sub: subject,
      iat: issuedAt,
      exp: issuedAt + lifetimeSeconds,
      jti: this.issued,
    };
    const signature = Array.from({ length: 32 }, () => this.#random.below(256));
    const token = [
      base64url(JSON.stringify({ alg: 'RS256', typ: 'JWT' })),
      base64url(JSON.stringify(claims)),
      Buffer.from(signature).toString('base64url'),
    ].join('.');
    this.#expiry.set(token, this.#now() + lifetimeSeconds * 1000);
    const answer = { access_token: token, token_type: 'Bearer' };
    return { status: 200, body: expiresIn ? { ...answer, expires_in: lifetimeSeconds } : answer };
  }
}

function refusal(status: number, error: string, description: string): TokenAnswer {
  return { status, body: { error, error_description: description } };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

const FORM = 'application/x-www-form-urlencoded';
const NO_STORE = { 'cache-control': 'no-store' };

/** POST of the token endpoint: reads the form, lets a fault come first, and answers as the issuer decides. */
export async function answerToken(
  exchange: Exchange,
  issuer: TokenIssuer,
  faults: FaultPlan,
  sender: FaultSender,
): Promise<void> {
  const { request, stats } = exchange;
  if (request.method !== 'POST') return refuse(exchange, 405, { allow: 'POST' });
  stats.tokenRequests += 1;
  const form = await text(request);
  const fault = faults.choose(request.url ?? '', 0, 0);
  if (fault !== undefined) count(stats.faults, fault);
  const isForm = request.headers['content-type']?.startsWith(FORM) ?? false;
  const { status, body } = issuer.answer(new URLSearchParams(isForm ? form : ''));
  if (fault === undefined || isPageFault(fault)) return sendJson(exchange, status, body, NO_STORE);
  await sender.send(fault, exchange, () => ({
    body: Buffer.from(JSON.stringify(body)),
    headers: NO_STORE,
  }));
}
