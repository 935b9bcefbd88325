import * as v from 'valibot';

/** What JSON can say. `JSON.parse` returns one of these, always. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A whole number from 0 to 2^53 - 1: rows, bytes, requests. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A list that nobody changes. */
export function list<T extends v.GenericSchema>(item: T) {
  return v.pipe(v.array(item), v.readonly());
}

/** Indented JSON that ends with a newline: how this program writes what people may look into. */
export function formatJson(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8');
}

/**
 * Reads JSON that this program wrote and that anybody may have changed since.
 *
 * @throws TypeError that names the first field which is missing or of another kind, and holds nothing of the content
 */
export function parseChecked<T extends v.GenericSchema>(
  schema: T,
  bytes: Uint8Array,
): v.InferOutput<T> {
  return checked(schema, parseText(bytes));
}

/** The same for a value that was parsed already. */
export function checked<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const at = v.getDotPath(issue) ?? 'the whole';
  if (issue.kind !== 'schema') throw new TypeError(`${at}: ${issue.message}`);
  throw new TypeError(
    issue.input === undefined ? `${at}: missing` : `${at}: expected ${issue.expected}`,
  );
}

/** @throws TypeError when the bytes are no JSON in UTF-8 */
export function parseText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new TypeError('it is not JSON', { cause: error });
  }
}
