/** Size of the memory in which bytes travel to another thread. */
export const PIECE_BYTES = 1024 * 1024;

/** More than these are not kept for later. */
const KEPT = 8;

/**
 * Packs chunks into pieces of memory that another thread can take over, and uses the pieces it gives back again: bytes
 * that travel would otherwise pile up as garbage over there until a collection finds it worth its while.
 */
export class Pieces {
  #free: ArrayBuffer[] = [];

  /** The same bytes in as few pieces as they need, each alone in its memory. */
  pack(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
    const packed: Uint8Array<ArrayBuffer>[] = [];
    let piece = new Uint8Array(0);
    let at = 0;
    for (const chunk of chunks) {
      let from = 0;
      while (from < chunk.length) {
        if (at === piece.length) {
          piece = new Uint8Array(this.#free.pop() ?? new ArrayBuffer(PIECE_BYTES));
          packed.push(piece);
          at = 0;
        }
        const to = Math.min(chunk.length, from + PIECE_BYTES - at);
        piece.set(chunk.subarray(from, to), at);
        at += to - from;
        from = to;
      }
    }
    if (packed.length > 0) packed[packed.length - 1] = piece.subarray(0, at);
    return packed;
  }

  /** Takes back memory that `pack` once handed out. */
  takeBack(buffers: readonly ArrayBuffer[]): void {
    this.#free.push(...buffers.slice(0, KEPT - this.#free.length));
  }
}
