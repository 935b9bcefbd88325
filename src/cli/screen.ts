import type { Environment } from './environment.ts';

/** A standard stream of the process, or a test's stand-in. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

/** The two standard streams, each behind the redactor. */
export interface Screen {
  readonly redactor: Redactor;
  /** A line on stdout: what the command is for. */
  readonly print: (line: string) => void;
  /** A line on stderr: everything else. */
  readonly note: (line: string) => void;
}

/** Variables whose values must never be shown. */
export const HIDDEN_VARIABLES: readonly string[] = [
  'PASQAL_TOKEN',
  'PASQAL_PASSWORD',
  'PASQAL_CLIENT_SECRET',
];

/** @param environment whose secrets, those in addresses of proxies too, are hidden from the first line on */
export function createScreen(stdout: Output, stderr: Output, environment: Environment): Screen {
  const redactor = createRedactor();
  for (const name of HIDDEN_VARIABLES) redactor.hide((environment[name] ?? '').trim());
  for (const [name, value = ''] of Object.entries(environment)) {
    const password = /^https?_proxy$/i.test(name) && /:([^:@/]+)@[^@]*$/.exec(value)?.[1];
    if (password) redactor.hide(password);
  }
  const lineTo = (stream: Output) => (line: string) => {
    stream.write(`${redactor.clean(line)}\n`);
  };
  return { redactor, print: lineTo(stdout), note: lineTo(stderr) };
}

const HIDDEN = '[hidden]';

/** Anything shorter would blank out ordinary words, and tell more than it hides. */
const SHORTEST = 4;

/**
 * A bearer header, or a JSON Web Token wherever it stands: tokens obtained during a run are not known by value. A mere
 * word or the name of a variable behind "bearer" is no token.
 */
const LOOKS_SECRET =
  /\bBearer\s+(?![A-Za-z_]{1,30}[.,;:]?(?:\s|$))[\w.~+/-]+=*|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/gi;

/** The last line of defence: no message holds a secret, and if one ever does it is not printed. */
export interface Redactor {
  /** From now on `secret` is blanked out, as it is and as it looks inside a URL or a form. */
  readonly hide: (secret: string) => void;
  readonly clean: (text: string) => string;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    hide(secret) {
      const forms = [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams([['', secret]]).toString().slice(1),
        JSON.stringify(secret).slice(1, -1),
      ];
      for (const form of forms) if (form.length >= SHORTEST) secrets.add(form);
    },
    clean(text) {
      const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
      const known = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
      return known.replace(LOOKS_SECRET, HIDDEN);
    },
  };
}
