import { messageOf } from '../../platform/errors.ts';
import type { HttpEffects } from './retry.ts';
import type { Token } from './token-life.ts';

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
  /** The bearer token in force, to keep it out of messages. */
  secret(): string | undefined;
}

/** No credentials, or a token that the user brought: nothing to renew. */
export function fixedSignIn(token: string | undefined): SignIn {
  const authorization = { header: token === undefined ? undefined : `Bearer ${token}` };
  return {
    current: async () => authorization,
    after: async () => undefined,
    advice:
      token === undefined
        ? 'No credentials were given: set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET.'
        : 'Get a new token and set PASQAL_TOKEN; or sign in with a user name and password, or a client id and secret, which renew it by themselves.',
    secret: () => token,
  };
}

/** After a failed renewal the token in force is used on, and the next try waits this long. */
const RENEWAL_PAUSE_MS = 10_000;

/**
 * Fetches tokens as they are needed. A token near its end is renewed in the background while the workers use it on;
 * only one that has ended, or was refused, makes them wait, for one request they share.
 *
 * @param fetchToken fetches a token, retries included
 */
export function renewingSignIn(
  fetchToken: () => Promise<Token>,
  { clock, emit }: Pick<HttpEffects, 'clock' | 'emit'>,
): SignIn {
  let token: Token | undefined;
  let authorization: Authorization = { header: undefined };
  let nextTryAt = Number.NEGATIVE_INFINITY;
  let renewal: Promise<Authorization> | undefined;

  function renew(): Promise<Authorization> {
    renewal ??= fetchToken()
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
    secret: () => token?.text,
  };
}
