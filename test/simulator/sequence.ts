import { Random } from './random.ts';
import { hexWord } from './uuid.ts';

/** Bytes beyond which fewer different programs are kept, so that long ones do not fill the memory. */
const LONG = 65_536;
const HEAD_BYTES = '{"name":"01234567",'.length;

/**
 * Serialized pulse programs of one chosen size: ASCII JSON inside a JSON string, as Pulser writes it. Every job's
 * program is named differently; the bodies are drawn from a few, made at the first use.
 */
export class Sequences {
  readonly #bytes: number;
  readonly #seed: number;
  readonly #tails: string[] = [];
  readonly #variants: number;

  /** @param bytes length of every sequence, decoded; 0 gives empty strings */
  constructor(bytes: number, seed: number) {
    this.#bytes = bytes;
    this.#seed = seed;
    this.#variants = bytes > LONG ? 2 : 16;
  }

  /** The JSON text of a sequence, quotes included. The same tag (below 2^32) gives the same text. */
  text(tag: number): string {
    const name = hexWord(tag);
    if (this.#bytes <= HEAD_BYTES)
      return JSON.stringify(`{"name":"${name}",`.slice(0, this.#bytes));
    return `"{\\"name\\":\\"${name}${this.#tail(tag % this.#variants)}`;
  }

  /** What follows the name, escaped, up to the closing quote. */
  #tail(variant: number): string {
    this.#tails[variant] ??= JSON.stringify(
      `",${program(this.#seed, variant, this.#bytes - HEAD_BYTES)}`,
    ).slice(1);
    return this.#tails[variant];
  }
}

function program(seed: number, variant: number, length: number): string {
  const random = new Random(seed, variant, length);
  const parts = ['"device":"FRESNEL_CAN1","operations":['];
  for (let size = parts[0].length; size < length; ) {
    const part =
      `{"op":"pulse","channel":"global","amplitude":${random.below(16_000) / 1000},` +
      `"detuning":${random.below(40_000) / 1000},"duration":${random.below(1000) * 4}},`;
    parts.push(part);
    size += part.length;
  }
  return parts.join('').slice(0, length);
}
