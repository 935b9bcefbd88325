import { createHash } from 'node:crypto';
import { type Reject, readRejectLine } from '../transform/transform-rows.ts';
import type { OutputFile } from './outputs.ts';

/** The name of the file that holds what could not be a row. */
export const REJECTS_FILE = 'rejects.ndjson';

/** `rejects.ndjson` in the making; the file is only there once something was set aside. */
export class RejectsFile {
  readonly #open: () => Promise<OutputFile>;
  readonly #hash = createHash('sha256');
  #file: OutputFile | undefined;
  #rows = 0;

  constructor(open: () => Promise<OutputFile>) {
    this.#open = open;
  }

  /** @param lines whole lines of NDJSON */
  async write(lines: Uint8Array): Promise<void> {
    if (lines.length === 0) return;
    this.#file ??= await this.#open();
    this.#hash.update(lines);
    this.#rows += countLines(lines);
    await this.#file.write([lines]);
  }

  /** @returns what was written, or undefined when nothing was set aside */
  async finish(): Promise<
    { name: string; rows: number; bytes: number; sha256: string } | undefined
  > {
    if (!this.#file) return undefined;
    const bytes = await this.#file.finish();
    return { name: REJECTS_FILE, rows: this.#rows, bytes, sha256: this.#hash.digest('hex') };
  }
}

/** What the lines that `rejectLine` made say. */
export function readRejects(lines: Uint8Array): Reject[] {
  return new TextDecoder().decode(lines).split('\n').slice(0, -1).map(readRejectLine);
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 0x0a) lines++;
  return lines;
}
