import { parse } from 'lossless-json';

/** Parses JSON with its numbers as they are written; of duplicate keys the last wins, as with `JSON.parse`. */
export function losslessParse(text: string): unknown {
  return parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue });
}
