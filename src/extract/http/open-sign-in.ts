import type { Credentials } from '../../jobs/options.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import type { Cancellation } from './cancellation.ts';
import { type RetryState, retry } from './retry.ts';
import { redactor } from './safe-text.ts';
import { fixedSignIn, renewingSignIn, type SignIn } from './sign-in.ts';
import { lifetimeMs, type Token, tokenFrom } from './token-life.ts';
import {
  type Grant,
  isUsableToken,
  MAX_TOKEN_BYTES,
  readTokenAnswer,
  tokenForm,
} from './token-request.ts';
import { createTransport, type Timeouts } from './transport.ts';

export interface SignInOptions {
  readonly credentials: Credentials;
  readonly timeouts: Timeouts;
  readonly userAgent: string;
}

/** A way to sign in, and how to let go of the token endpoint's connection. */
export interface OpenSignIn {
  readonly signIn: SignIn;
  close(): Promise<void>;
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
): OpenSignIn {
  const { credentials } = options;
  if (credentials.kind === 'none') return { signIn: fixedSignIn(undefined), close: async () => {} };
  if (credentials.kind === 'token') {
    if (!isUsableToken(credentials.token)) {
      const what =
        'The token given has spaces, line breaks or other characters no token has. Check PASQAL_TOKEN.';
      throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
    }
    return { signIn: fixedSignIn(credentials.token), close: async () => {} };
  }
  return signInWith(credentials, options, state, cancellation);
}

function signInWith(
  grant: Grant,
  { timeouts, userAgent }: SignInOptions,
  state: RetryState,
  cancellation: Cancellation,
): OpenSignIn {
  const { clock } = state.effects;
  const url = new URL(grant.endpoint.url);
  const request = `POST ${url.origin}${url.pathname}`;
  const transport = createTransport(url.origin, 1);
  const admission = createAdmission(1, state.deadlineAt, clock);
  const redact = redactor(() => secretsOf(grant));
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

  function fetchToken(): Promise<Token> {
    return cancellation.run(undefined, async (signal) => {
      let askedAt = clock.monotonic();
      const answer = await retry(request, signal, state, admission, () =>
        admission.run(request, signal, async (msLeft) => {
          askedAt = clock.monotonic();
          const totalMs = Math.min(timeouts.totalMs, msLeft);
          const sent = await transport.send({
            ...post,
            signal,
            timeouts: { ...timeouts, totalMs },
          });
          if (sent.kind === 'fault') return sent;
          return readTokenAnswer(sent.value, request, clock.wall(), redact);
        }),
      );
      const lifetime = lifetimeMs(answer.expiresIn, answer.text, clock.wall());
      return tokenFrom(answer.text, lifetime, askedAt);
    });
  }

  let closed = false;
  const signIn = renewingSignIn(fetchToken, {
    clock,
    emit: (event) => {
      if (!closed) state.effects.emit(event);
    },
  });
  return {
    signIn,
    close() {
      closed = true;
      return transport.close();
    },
  };
}

/** What must never be read back to anybody. */
export function secretsOf(credentials: Credentials): string[] {
  switch (credentials.kind) {
    case 'none':
      return [];
    case 'token':
      return [credentials.token];
    case 'password':
      return [credentials.password];
    case 'client':
      return [credentials.clientSecret];
  }
}
