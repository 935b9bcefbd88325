import type { Credentials, TokenEndpoint } from '../../../src/jobs/options.ts';
import { type Respond, type Seen, serveHttp, type TestServer } from '../../support/http-servers.ts';
import { type connect, sendJson, sendPage, type TestClient, withClient } from './jobs-api.ts';

/** Secrets that must be found nowhere but in requests. */
export const SECRETS = {
  password: 'canary-pa$$ word&1',
  clientSecret: 'canary+client/secret=',
  token: 'canary-token-0',
} as const;

export function endpoint(server: TestServer): TokenEndpoint {
  return {
    url: `${server.url}/oauth/token`,
    publicClientId: 'public-id',
    realm: 'pcs-users',
    passwordGrant: 'http://auth0.com/oauth/grant-type/password-realm',
    audience: 'https://apis.pasqal.cloud/account/api/v1',
  };
}

export function password(server: TestServer): Credentials {
  const { password } = SECRETS;
  return { kind: 'password', username: 'ada@example.com', password, endpoint: endpoint(server) };
}

export function clientSecret(server: TestServer): Credentials {
  const { clientSecret } = SECRETS;
  return { kind: 'client', clientId: 'service', clientSecret, endpoint: endpoint(server) };
}

export interface TokenServerOptions {
  /** Seconds each token lasts, as the answer says. */
  readonly seconds?: number;
  /** Answers the request of that number, counted from 1, in the endpoint's place. */
  readonly instead?: (nth: number) => Respond | undefined;
  /** Waited for before every answer. */
  readonly ready?: () => Promise<void>;
}

/** Issues `canary-token-1`, `canary-token-2`, ... */
export function tokenServer(options: TokenServerOptions = {}): Promise<TestServer> {
  const { seconds = 3600, instead, ready } = options;
  let asked = 0;
  let issued = 0;
  return serveHttp(async (response, request) => {
    asked += 1;
    const respond = instead?.(asked);
    await ready?.();
    if (respond) return respond(response, request);
    issued += 1;
    const token = { access_token: `canary-token-${issued}`, token_type: 'Bearer' };
    return sendJson(response, JSON.stringify({ ...token, expires_in: seconds }));
  });
}

/** A jobs API that accepts the tokens `accepts` says, and answers 401 to the rest. */
export function guardedApi(accepts: (token: string) => boolean): Promise<TestServer> {
  return serveHttp((response, request) => {
    if (accepts(tokenOf(request))) return sendPage(response, request);
    return sendJson(response, '{"detail":"Unauthorized"}', {}, 401);
  });
}

export function tokenOf({ headers }: Pick<Seen, 'headers'>): string {
  return headers.authorization?.replace(/^Bearer /, '') ?? '';
}

/** Runs a test with a token endpoint, an API and a client that signs in by password. */
export async function signedIn(
  starting: Promise<TestServer>,
  api: Promise<TestServer>,
  options: Parameters<typeof connect>[1],
  test: (client: TestClient, api: TestServer, tokens: TestServer) => Promise<void>,
): Promise<void> {
  const tokens = await starting;
  const credentials = password(tokens);
  try {
    await withClient(api, { credentials, ...options }, (client, server) =>
      test(client, server, tokens),
    );
  } finally {
    await tokens.close();
  }
}

/** The token of the last request a server got. */
export function lastToken({ seen }: TestServer): string {
  return tokenOf(seen.at(-1) ?? { headers: {} });
}
