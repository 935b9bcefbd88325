/** Bytes that must follow what `copyBytes` reads and what it writes. */
export const SLACK_BYTES = 4;

/** Longer runs are copied faster by the runtime. */
const LONG = 256;

/**
 * Copies a short run of bytes, four at a time: calls into the runtime cost more than the copying, a byte at a time is
 * three times slower. Up to three bytes after the run are overwritten.
 */
export function copyBytes(
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  at: number,
): void {
  if (to - from > LONG) {
    bytesOf(target).set(bytesOf(source).subarray(from, to), at);
    return;
  }
  for (let i = from, j = at; i < to; i += 4, j += 4)
    target.setInt32(j, source.getInt32(i, true), true);
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
