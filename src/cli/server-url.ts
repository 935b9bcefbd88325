import { type ExitCode, ExportError } from '../platform/errors.ts';
import { quote } from './messages.ts';

/** True for hosts that never leave this machine: localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * Checks the address of a server that credentials may be sent to: https, or http on a loopback host; nothing but
 * host, port and path.
 *
 * @param name the flag or variable it came from, for messages
 * @throws ExportError with `exitCode`; a text with a password in it is never repeated
 */
export function serverUrl(text: string, name: string, exitCode: ExitCode): URL {
  const refuse = (problem: string) =>
    new ExportError(`${name}: ${problem}`, { exitCode, stage: 'cli' });
  if (!URL.canParse(text)) {
    const got = text.includes('@') ? '' : `, got ${quote(text)}`;
    throw refuse(`expected a URL such as https://example.com/api${got}`);
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      'expected a URL without a user name or password in it; set PASQAL_USERNAME and PASQAL_PASSWORD instead',
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse(`expected an https URL, got ${quote(text)}`);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw refuse(
      `plain http would show tokens to the network, so it is for loopback hosts only; use https, got ${quote(text)}`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw refuse('expected a base URL without ? or #; filters have flags of their own');
  }
  return url;
}

/** The URL as requests are built from it: no trailing slash. */
export function baseUrl(url: URL): string {
  return url.href.replace(/\/+$/, '');
}
