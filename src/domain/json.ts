import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';

/** Decimal digits a double holds whatever they are (DBL_DIG of C's float.h). */
const SAFE_DIGITS = 15;

const [POINT, SLASH, NINE] = [0x2e, 0x2f, 0x39];
const [UPPER_E, LOWER_E, BACKSLASH] = [0x45, 0x65, 0x5c];

/**
 * Parses JSON without altering a value: a number that a double may not hold comes back as a `LosslessNumber` with its
 * digits, every other number as a `number`. Of duplicate keys the last wins; `__proto__` is an ordinary key.
 *
 * @throws SyntaxError when the text is not JSON. Its message may quote the text: keep it out of logs.
 */
export function parseJson(text: string): unknown {
  if (!mayHoldLongNumber(text)) return JSON.parse(text);
  return parse(text, undefined, {
    parseNumber: exactNumber,
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** Writes what `parseJson` read, digit for digit, on one line. */
export function stringifyJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

/**
 * Whether the text has a number with an exponent, or with more digits than a double is sure to hold. It looks between
 * the strings only, and jumps over them: they are most of the text.
 */
function mayHoldLongNumber(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    if (hasLongNumber(text, at, end)) return true;
    at = quote < 0 ? end : endOfString(text, quote);
  }
  return false;
}

function hasLongNumber(text: string, start: number, end: number): boolean {
  let run = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    const isDigit = code <= NINE && code >= POINT && code !== SLASH;
    if (run > 0 && (code === UPPER_E || code === LOWER_E)) return true;
    run = isDigit ? run + 1 : 0;
    if (run > SAFE_DIGITS) return true;
  }
  return false;
}

/** The position behind the string that starts at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

function exactNumber(digits: string): number | LosslessNumber {
  const mantissa = digits.replace(/^-?0*\.?0*/, '').replace('.', '');
  return mantissa.length <= SAFE_DIGITS && !/[eE]/.test(digits)
    ? Number(digits)
    : new LosslessNumber(digits);
}

/** The digits of a JSON number as sent, or undefined when the value is no number. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return isLosslessNumber(value) ? value.value : undefined;
}
