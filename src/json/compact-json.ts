import { JsonScanner, QUOTE } from './json-scanner.ts';

/** The JSON text of a value without the white space between its tokens: one line, otherwise as it was sent. */
export function compactJson(bytes: Uint8Array, start: number, end: number): Buffer {
  const scanner = new JsonScanner(bytes, start);
  const compact = Buffer.allocUnsafeSlow(end - start);
  let length = 0;
  while (scanner.at < end && scanner.peek() !== undefined && scanner.at < end) {
    const from = scanner.at;
    if (bytes[from] === QUOTE) scanner.string();
    else scanner.at++;
    for (let at = from; at < scanner.at; at++) compact[length++] = bytes[at];
  }
  return compact.subarray(0, length);
}
