import { resolve } from 'node:path';
import type { GivenCredentials } from '../jobs/options.ts';
import { EXIT } from '../platform/errors.ts';
import { isLoopback, orExit, parse, Refusal, server as serverKind, within } from '../run/values.ts';
import { type Environment, readText, withoutMark } from './environment.ts';
import { HIDDEN_VARIABLES, type Redactor } from './screen.ts';

/** The variables of each way to sign in; each may also end in `_FILE` and name a file. */
const WAYS = [
  ['PASQAL_TOKEN'],
  ['PASQAL_USERNAME', 'PASQAL_PASSWORD'],
  ['PASQAL_CLIENT_ID', 'PASQAL_CLIENT_SECRET'],
] as const;
const ALL_WAYS = WAYS.map((names) => names.join(' and ')).join(', or ');

/** All of them. */
export const SECRET_VARIABLES = WAYS.flat();
/** Where to sign in, when it is not where the region says. */
export const TOKEN_URL_VARIABLE = 'PASQAL_TOKEN_URL';

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
    const secrets: Readonly<Record<string, string | undefined>> = Object.fromEntries(
      SECRET_VARIABLES.map((name) => {
        const secret = readSecret(name, environment, folder);
        if (secret && HIDDEN_VARIABLES.includes(name)) redactor.hide(secret);
        return [name, secret];
      }),
    );
    const ways = WAYS.filter((names) => names.some((name) => secrets[name]));
    for (const names of ways) {
      const missing = names.find((name) => !secrets[name]);
      const there = names.find((name) => secrets[name]);
      if (missing === undefined) continue;
      throw new Refusal(`${there} is set but ${missing} is not; set both, or neither`);
    }
    if (ways.length > 1) {
      throw new Refusal(`more than one way to sign in is set; keep one: ${ALL_WAYS}`);
    }
    if (ways.length === 0 && !isLoopback(server.hostname)) {
      throw new Refusal(
        `no credentials for ${server.host}: set ${ALL_WAYS}, or one of them with _FILE behind it to name a file; to try it without an account, run: make demo`,
      );
    }
    return chosen(secrets, environment[TOKEN_URL_VARIABLE]);
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

/** @param url where to sign in, when it is not where the region says */
function chosen(
  secrets: Readonly<Record<string, string | undefined>>,
  url: string | undefined,
): GivenCredentials {
  const { PASQAL_TOKEN: token, PASQAL_USERNAME: username, PASQAL_PASSWORD: password } = secrets;
  const { PASQAL_CLIENT_ID: clientId, PASQAL_CLIENT_SECRET: clientSecret } = secrets;
  const place = url
    ? { endpoint: { url: within(TOKEN_URL_VARIABLE, () => parse(serverKind, [url])) } }
    : {};
  // RFC 6750 section 2.1: what a bearer token may consist of. Anything else could not be sent in a header.
  if (token && !/^[\w.~+/-]+=*$/.test(token)) {
    throw new Refusal(
      'PASQAL_TOKEN holds a character that no bearer token has; set the bare token, without "Bearer" or quotes',
    );
  }
  if (token) return { kind: 'token', token };
  if (username && password) return { kind: 'password', username, password, ...place };
  if (clientId && clientSecret) return { kind: 'client', clientId, clientSecret, ...place };
  return { kind: 'none' };
}
