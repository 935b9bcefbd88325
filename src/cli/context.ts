import type { Clock } from '../platform/effects.ts';
import type { planExport, runExport, verifySnapshot } from '../run.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The pipeline itself, imported only by the commands that need it: it brings the heavy libraries along. */
export interface Engine {
  readonly runExport: typeof runExport;
  readonly planExport: typeof planExport;
  readonly verifySnapshot: typeof verifySnapshot;
}

/** A standard stream of the process, or a test's stand-in. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

/** All of the process that a command may touch. */
export interface Context {
  readonly environment: Environment;
  /** Working folder: relative paths start here. */
  readonly folder: string;
  /** Folder of the pipeline files. */
  readonly pipelines: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Pick<Clock, 'wall' | 'monotonic'>;
  /** Aborted by SIGINT and SIGTERM with the ExportError to end with. */
  readonly signal: AbortSignal;
  readonly engine: () => Promise<Engine>;
}
