import { Socket } from 'node:net';
import { buildConnector, type Pool } from 'undici';
import type { ProxySettings } from '../../jobs/options.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import { CHECK_PROXY, Fault, sorted } from './faults.ts';

/** A proxy on the way to one server. */
export interface ProxyServer {
  readonly origin: string;
  /** Host and port, for messages. */
  readonly name: string;
  readonly headers: { readonly 'proxy-authorization'?: string };
  /** What must never be read back to anybody. */
  readonly secrets: readonly string[];
}

/**
 * The proxy that leads to a server; undefined when it is reached directly.
 *
 * @param settings in the words of the environment variables; undefined or empty: none. `http` and `https`, for URLs of
 *   those schemes: `[http://][user:password@]host:port`; what is for https goes through a tunnel (CONNECT), so that the
 *   proxy sees neither token nor jobs. `noProxy`: hosts reached directly, split by commas or spaces: `host[:port]`,
 *   subdomains included; `*` for all
 * @throws ExportError (78) when its URL cannot be used; the URL is never repeated
 */
export function proxyFor(target: URL, settings: ProxySettings): ProxyServer | undefined {
  const isSecure = target.protocol === 'https:';
  const text = (isSecure ? settings.https : settings.http)?.trim() ?? '';
  if (text === '' || isExempt(target, settings.noProxy ?? '')) return undefined;
  const href = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    const name = isSecure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const what = `${name}: expected http://[user:password@]host:port, or https://...`;
    throw new ExportError(what, { exitCode: EXIT.config, stage: 'extract' });
  }
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const proxy = { origin: url.origin, name: `${url.hostname}:${port}` };
  if (url.username === '' && url.password === '') return { ...proxy, headers: {}, secrets: [] };
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const pair = Buffer.from(`${user}:${password}`).toString('base64');
  const secrets = [pair, password, url.password].filter((secret) => secret !== '');
  return { ...proxy, headers: { 'proxy-authorization': `Basic ${pair}` }, secrets };
}

function isExempt({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const targetPort = port || (protocol === 'https:' ? '443' : '80');
  return noProxy.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, host = '', onlyPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (host === '' || (onlyPort !== undefined && onlyPort !== targetPort)) return false;
    return hostname === host || hostname.endsWith(`.${host}`);
  });
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Makes connections to one https server through a proxy (RFC 9110 section 9.3.6). In place of undici's ProxyAgent, for
 * which see docs/decisions.md.
 *
 * @param pool of connections to the proxy
 * @param tls how the connection inside the tunnel is made
 * @param contacted whether the server behind it has ever answered in this run
 */
export function tunnel(
  pool: Pool,
  proxy: ProxyServer,
  target: URL,
  tls: buildConnector.BuildOptions,
  contacted: () => boolean,
): buildConnector.connector {
  const connect = buildConnector(tls);
  const path = `${target.hostname}:${target.port || '443'}`;
  return (options, callback) => {
    pool.connect({ path, headers: { ...proxy.headers, host: path } }, (error, answer) => {
      if (error) return callback(sorted(error, contacted(), proxy.name), null);
      const { statusCode: status, socket } = answer;
      if (status >= 200 && status < 300 && socket instanceof Socket)
        return connect({ ...options, httpSocket: socket }, callback);
      socket.on('error', () => {}).destroy();
      return callback(refusedBy(proxy, status, target, contacted()), null);
    });
  };
}

/** The fault that a proxy's refusal stands for. */
export function refusedBy(
  { name, headers }: ProxyServer,
  status: number,
  target: URL,
  contacted: boolean,
): Fault {
  if (status === 407) {
    const isLoggedIn = headers['proxy-authorization'] !== undefined;
    const wish = isLoggedIn
      ? 'refuses the user name and password in its URL'
      : 'asks for a user name and password';
    const advice =
      'Set HTTPS_PROXY (HTTP_PROXY) to http://user:password@host:port, special characters percent-encoded.';
    return new Fault('proxy-login', `the proxy ${name} ${wish} (407)`, { advice });
  }
  const what = `the proxy ${name} does not connect to ${target.host} (${status})`;
  if (status >= 500 && contacted) return new Fault('connection', what);
  if (status >= 500) return new Fault('unreachable', what, { advice: CHECK_PROXY });
  const advice = 'Have it allowed there, or reached without the proxy (NO_PROXY).';
  return new Fault('proxy-refusal', what, { advice });
}
