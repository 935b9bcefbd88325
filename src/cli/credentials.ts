import { resolve } from 'node:path';
import type { GivenCredentials } from '../jobs/options.ts';
import { EXIT } from '../platform/errors.ts';
import { isLoopback, orExit, Refusal, server as serverKind, within } from '../run/values.ts';
import { type Environment, readText, withoutMark } from './environment.ts';
import { HIDDEN_VARIABLES, type Redactor } from './screen.ts';

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

/**
 * Finds out from the environment how to sign in. Only a loopback server may go without.
 *
 * @param folder where relative paths of secret files start
 * @param redactor learns every secret before anything else is done with it
 * @throws ExportError (78) when credentials are missing, incomplete, contradictory or unreadable
 */
export function credentialsFrom(
  environment: Environment,
  server: URL,
  folder: string,
  redactor: Redactor,
): GivenCredentials {
  return orExit(EXIT.config, () => {
    const secrets: Secrets = {};
    for (const name of SECRET_VARIABLES) {
      const secret = readSecret(name, environment, folder);
      if (secret === undefined) continue;
      secrets[name] = secret;
      if (HIDDEN_VARIABLES.includes(name)) redactor.hide(secret);
    }
    const credentials = chosen(secrets, environment);
    if (credentials.kind !== 'none' || isLoopback(server.hostname)) return credentials;
    throw new Refusal(
      `no credentials for ${server.host}: set ${WAYS}, or one of them with _FILE behind it to name a file; to try it without an account, run: make demo`,
    );
  });
}

/**
 * The variable itself, or the file that the variable with `_FILE` behind it names; line breaks at the end and a byte
 * order mark are no part of either. An empty variable counts as unset.
 */
function readSecret(name: string, environment: Environment, folder: string): string | undefined {
  const fileVariable = `${name}_FILE`;
  const direct = withoutMark(environment[name] ?? '');
  const path = environment[fileVariable];
  if (!path) return direct || undefined;
  if (direct) throw new Refusal(`${name} and ${fileVariable} are both set; keep one of them`);
  return within(fileVariable, () => {
    const content = readText(resolve(folder, path));
    if (content === '') throw new Refusal(`${path} is empty`);
    return content;
  });
}

/** Where to sign in, when it is not where the region says. */
function endpointFrom(environment: Environment): { readonly endpoint?: { readonly url: string } } {
  const url = environment[TOKEN_URL_VARIABLE];
  if (!url) return {};
  return { endpoint: { url: within(TOKEN_URL_VARIABLE, () => serverKind.parse([url])) } };
}

function chosen(secrets: Secrets, environment: Environment): GivenCredentials {
  const token = secrets.PASQAL_TOKEN;
  const user = pair(secrets, 'PASQAL_USERNAME', 'PASQAL_PASSWORD');
  const client = pair(secrets, 'PASQAL_CLIENT_ID', 'PASQAL_CLIENT_SECRET');
  const endpoint = endpointFrom(environment);
  if ([token, user, client].filter(Boolean).length > 1) {
    throw new Refusal(`more than one way to sign in is set; keep one: ${WAYS}`);
  }
  if (token) return { kind: 'token', token: checkedToken(token) };
  if (user) return { kind: 'password', username: user[0], password: user[1], ...endpoint };
  if (client) return { kind: 'client', clientId: client[0], clientSecret: client[1], ...endpoint };
  return { kind: 'none' };
}

function pair(secrets: Secrets, first: SecretVariable, second: SecretVariable) {
  const [a, b] = [secrets[first], secrets[second]];
  if (a && b) return [a, b] as const;
  if (!a && !b) return undefined;
  const [there, missing] = a ? [first, second] : [second, first];
  throw new Refusal(`${there} is set but ${missing} is not; set both, or neither`);
}

/** RFC 6750 section 2.1: what a bearer token may consist of. Anything else could not be sent in a header. */
function checkedToken(token: string): string {
  if (/^[\w.~+/-]+=*$/.test(token)) return token;
  throw new Refusal(
    'PASQAL_TOKEN holds a character that no bearer token has; set the bare token, without "Bearer" or quotes',
  );
}
