/** A bearer token and the monotonic milliseconds that matter in its life; Infinity when its end is not known. */
export interface Token {
  readonly text: string;
  /** From here on a new one is fetched, while this one is still used. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The official SDK renews one minute before expiry; a token of under two minutes is renewed at half its life. */
const MARGIN_MS = 60_000;

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
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    return typeof claims.exp === 'number' ? claims.exp : undefined;
  } catch {
    return undefined;
  }
}
