/**
 * Process exit codes, after sysexits.h where it has a word for the case.
 * docs: README "Exit codes".
 */
export const EXIT = {
  ok: 0,
  /** `status`: the last good snapshot is too old, or there is none. */
  stale: 1,
  usage: 64,
  data: 65,
  unavailable: 69,
  bug: 70,
  cannotCreate: 73,
  io: 74,
  temporary: 75,
  protocol: 76,
  credentials: 77,
  config: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type Stage = 'cli' | 'extract' | 'transform' | 'checkpoint' | 'load' | 'publish' | 'report';

export interface ExportErrorOptions {
  readonly exitCode: ExitCode;
  readonly stage: Stage;
  /** True when the same command, run again later, may succeed. Default false. */
  readonly retryable?: boolean;
  /** Milliseconds before which the server wants no further request. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error this package throws on purpose. The message says what happened, where, and what to do next; it never
 * carries a payload or a secret.
 */
export class ExportError extends Error {
  override readonly name = 'ExportError';
  readonly exitCode: ExitCode;
  readonly stage: Stage;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ExportErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode;
    this.stage = options.stage;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What to print for a thrown value of any kind. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node.js system error (`ENOSPC`, `ECONNRESET`, ...), looked up through its causes. */
export function errorCode(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string') return error.code;
  }
  return undefined;
}

/** Whether it is a system error, or caused by one, of one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(errorCode(thrown) ?? '');
}
