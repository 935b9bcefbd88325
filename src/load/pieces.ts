import { createHash } from 'node:crypto';

/** Size of the memory in which bytes travel to another thread. */
export const PIECE_BYTES = 1024 * 1024;

/** More than these are not kept for later: what the longest file of a block takes, and a little. */
const KEPT = 16;

/**
 * Memory that another thread can take over, and that is used again when it comes back: bytes that travel would
 * otherwise pile up as garbage over there until a collection finds it worth its while.
 */
export class Pieces {
  #free: ArrayBuffer[] = [];

  take(): ArrayBuffer {
    return this.#free.pop() ?? new ArrayBuffer(PIECE_BYTES);
  }

  /** Takes back memory that `take` once handed out. */
  takeBack(buffers: readonly ArrayBuffer[]): void {
    this.#free.push(...buffers.slice(0, Math.max(0, KEPT - this.#free.length)));
  }
}

/** The bytes of one file on their way to another thread: packed into pieces, counted, and summed up as SHA-256. */
export class FileBytes {
  /** Bytes of the file that `take` has handed out. */
  bytes = 0;
  readonly #pieces: Pieces;
  readonly #hash = createHash('sha256');
  #full: Uint8Array<ArrayBuffer>[] = [];
  #piece = new Uint8Array(0);
  #at = 0;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  /** Copies the bytes. */
  add(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      if (this.#at === this.#piece.length) this.#nextPiece();
      const to = Math.min(chunk.length, from + this.#piece.length - this.#at);
      this.#piece.set(chunk.subarray(from, to), this.#at);
      this.#at += to - from;
      from = to;
    }
  }

  /** What was added since the last call, in as few pieces as it needs, each alone in its memory. */
  take(): Uint8Array<ArrayBuffer>[] {
    this.#endPiece();
    this.#piece = new Uint8Array(0);
    this.#at = 0;
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** SHA-256 of all that was taken, as hex. Nothing may be added afterwards. */
  sha256(): string {
    return this.#hash.digest('hex');
  }

  #nextPiece(): void {
    this.#endPiece();
    this.#piece = new Uint8Array(this.#pieces.take());
    this.#at = 0;
  }

  #endPiece(): void {
    if (this.#at === 0) return;
    const filled = this.#piece.subarray(0, this.#at);
    this.#hash.update(filled);
    this.bytes += filled.length;
    this.#full.push(filled);
  }
}
