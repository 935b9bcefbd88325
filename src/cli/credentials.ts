import type { Credentials, TokenEndpoint } from '../jobs/options.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { Environment } from './context.ts';
import type { Redactor } from './redact.ts';
import { HIDDEN_VARIABLES, readSecret } from './secrets.ts';
import { isLoopback, serverUrl } from './server-url.ts';

/** The variables that hold credentials; each may also end in `_FILE` and name a file. */
export const SECRET_VARIABLES = [
  'PASQAL_TOKEN',
  'PASQAL_USERNAME',
  'PASQAL_PASSWORD',
  'PASQAL_CLIENT_ID',
  'PASQAL_CLIENT_SECRET',
] as const;

export const TOKEN_URL_VARIABLE = 'PASQAL_TOKEN_URL';

type SecretVariable = (typeof SECRET_VARIABLES)[number];
type Secrets = Partial<Record<SecretVariable, string>>;

const WAYS =
  'PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID and PASQAL_CLIENT_SECRET';

function refuse(message: string): ExportError {
  return new ExportError(message, { exitCode: EXIT.config, stage: 'cli' });
}

/**
 * Finds out from the environment how to sign in. Only a loopback server may go without.
 *
 * @param endpoint the region's; `PASQAL_TOKEN_URL` overrides its address
 * @param redactor learns every secret before anything else is done with it
 * @throws ExportError (78) when credentials are missing, incomplete, contradictory or unreadable
 */
export async function credentialsFrom(
  environment: Environment,
  server: URL,
  endpoint: TokenEndpoint,
  folder: string,
  redactor: Redactor,
): Promise<Credentials> {
  const secrets: Secrets = {};
  for (const name of SECRET_VARIABLES) {
    const secret = await readSecret(name, environment, folder);
    if (secret === undefined) continue;
    secrets[name] = secret;
    if (HIDDEN_VARIABLES.includes(name)) redactor.hide(secret);
  }
  const credentials = chosen(secrets, tokenEndpoint(environment, endpoint));
  if (credentials.kind === 'none' && !isLoopback(server.hostname)) {
    throw refuse(
      `no credentials for ${server.host}: set ${WAYS}, or one of them with _FILE behind it to name a file; to try it without an account, run: make demo`,
    );
  }
  return credentials;
}

function tokenEndpoint(environment: Environment, endpoint: TokenEndpoint): TokenEndpoint {
  const override = environment[TOKEN_URL_VARIABLE];
  if (override === undefined || override === '') return endpoint;
  return { ...endpoint, url: serverUrl(override, TOKEN_URL_VARIABLE, EXIT.config).href };
}

function chosen(secrets: Secrets, endpoint: TokenEndpoint): Credentials {
  const token = secrets.PASQAL_TOKEN;
  const user = pair(secrets, 'PASQAL_USERNAME', 'PASQAL_PASSWORD');
  const client = pair(secrets, 'PASQAL_CLIENT_ID', 'PASQAL_CLIENT_SECRET');
  if ([token, user, client].filter((way) => way !== undefined).length > 1) {
    throw refuse(`more than one way to sign in is set; keep one: ${WAYS}`);
  }
  if (token !== undefined) return { kind: 'token', token: checkedToken(token) };
  if (user) return { kind: 'password', username: user[0], password: user[1], endpoint };
  if (client) return { kind: 'client', clientId: client[0], clientSecret: client[1], endpoint };
  return { kind: 'none' };
}

function pair(
  secrets: Secrets,
  first: SecretVariable,
  second: SecretVariable,
): readonly [string, string] | undefined {
  const [a, b] = [secrets[first], secrets[second]];
  if (a !== undefined && b !== undefined) return [a, b];
  if (a === undefined && b === undefined) return undefined;
  const [there, missing] = a === undefined ? [second, first] : [first, second];
  throw refuse(`${there} is set but ${missing} is not; set both, or neither`);
}

/** RFC 6750 section 2.1: what a bearer token may consist of. Anything else could not be sent in a header. */
function checkedToken(token: string): string {
  if (/^[\w.~+/-]+=*$/.test(token)) return token;
  throw refuse(
    'PASQAL_TOKEN holds a character that no bearer token has; set the bare token, without "Bearer" or quotes',
  );
}
