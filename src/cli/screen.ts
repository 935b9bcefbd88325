import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import { openFilesError } from '../platform/io-errors.ts';
import { type Environment, variableOf } from './environment.ts';
import { logLine, SCRIPT } from './summary.ts';

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

/**
 * How a failure is shown: also on stdout as JSON, on stderr as a JSON object a line, with the stack and the causes.
 * Found out without parsing, for the command line itself may be what is wrong.
 */
export function failureStyle(args: readonly string[], environment: Environment) {
  /** The last word on a flag: its value, `false` where it is turned off; undefined where it is not given. */
  const flagged = (flag: string): string | undefined => {
    const isOf = new RegExp(`^--(?:no-)?${flag}(?:=|$)`);
    const at = args.findLastIndex((arg) => isOf.test(arg));
    if (at < 0) return undefined;
    const [name, value = args[at + 1] ?? ''] = (args[at] ?? '').split('=');
    return name === `--${flag}` ? value : 'false';
  };
  const told = (flag: string) => flagged(flag) ?? environment[variableOf({ flag })] ?? '';
  const json = flagged('json');
  return {
    json: json === undefined ? /^(?:1|true)$/.test(told('json')) : json !== 'false',
    jsonLog: told('log-format') === 'json',
    debug: told('log-level') === 'debug',
  };
}

/**
 * Shows why a command failed: one line on stderr, and with `--json` one object on stdout, so that a reader of stdout
 * always gets exactly one.
 */
export function showFailure(
  thrown: unknown,
  screen: Screen,
  style: ReturnType<typeof failureStyle>,
  wall: number,
) {
  const { message, exitCode, stage, retryable } = exportErrorOf(thrown);
  const stack = style.debug && thrown instanceof Error ? stackOf(thrown) : undefined;
  if (style.jsonLog) {
    screen.note(logLine('json', wall, 'error', message, { exitCode, stage, retryable, stack }));
  } else {
    screen.note(`${SCRIPT}: ${message}`);
    if (stack !== undefined) screen.note(stack);
  }
  if (style.json) screen.print(JSON.stringify({ error: { message, exitCode, stage, retryable } }));
  return exitCode;
}

function exportErrorOf(thrown: unknown): ExportError {
  const known = openFilesError(thrown, 'cli');
  if (known instanceof ExportError) return known;
  const said = messageOf(thrown).split('\n')[0]?.slice(0, 200) ?? '';
  if (said.includes('uv_cwd')) {
    const message = 'the working folder is gone; run the same command in another folder';
    return new ExportError(message, { exitCode: EXIT.cannotCreate, stage: 'cli' });
  }
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return new ExportError(
    `${name}: ${said}; this is a bug in ${SCRIPT}: run it again with PASQAL_JOBS_LOG_LEVEL=debug and report what it prints`,
    { exitCode: EXIT.bug, stage: 'cli' },
  );
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
