/** What JSON can say. `JSON.parse` returns one of these, always. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Reads a JSON object of our own making back from the disk, where anybody may have changed it. Each method returns the
 * field of that name or throws a TypeError such as `files[0].bytes: expected a whole number, got string`.
 */
export class Fields {
  readonly #fields: { readonly [key: string]: JsonValue };
  readonly #at: string;

  /** @param at the path of `value` in its document, for messages; empty for the document itself */
  constructor(value: JsonValue, at = '') {
    if (!isObject(value)) throw new TypeError(mismatch(at, 'an object', value));
    this.#fields = value;
    this.#at = at;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  names(): string[] {
    return Object.keys(this.#fields);
  }

  value(name: string): JsonValue {
    const value = this.has(name) ? this.#fields[name] : undefined;
    if (value === undefined) throw new TypeError(`${this.#path(name)}: missing`);
    return value;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== 'string') throw this.#mismatch(name, 'text');
    return value;
  }

  textOrNull(name: string): string | null {
    return this.value(name) === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.value(name);
    if (typeof value !== 'number') throw this.#mismatch(name, 'a number');
    return value;
  }

  /** A whole number, 0 or more, that a double holds exactly. */
  count(name: string): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.#mismatch(name, 'a whole number');
    }
    return value;
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== 'boolean') throw this.#mismatch(name, 'true or false');
    return value;
  }

  /** One of a few words. */
  oneOf<T extends string>(name: string, words: readonly T[]): T {
    const value = this.value(name);
    const word = words.find((known) => known === value);
    if (word === undefined) throw this.#mismatch(name, `one of ${words.join(', ')}`);
    return word;
  }

  /** Lower-case hex digits, exactly `digits` of them. */
  hex(name: string, digits: number): string {
    const value = this.text(name);
    if (value.length !== digits || /[^0-9a-f]/.test(value)) {
      throw this.#mismatch(name, `${digits} hex digits`);
    }
    return value;
  }

  fields(name: string): Fields {
    return new Fields(this.value(name), this.#path(name));
  }

  fieldsOrNull(name: string): Fields | null {
    return this.value(name) === null ? null : this.fields(name);
  }

  /** The objects of a list. */
  list(name: string): Fields[] {
    const value = this.value(name);
    if (!isArray(value)) throw this.#mismatch(name, 'a list');
    return value.map((item, index) => new Fields(item, `${this.#path(name)}[${index}]`));
  }

  texts(name: string): string[] {
    const value = this.value(name);
    if (!isArray(value)) throw this.#mismatch(name, 'a list of texts');
    return value.map((item) => {
      if (typeof item !== 'string') throw this.#mismatch(name, 'a list of texts');
      return item;
    });
  }

  #path(name: string): string {
    return this.#at === '' ? name : `${this.#at}.${name}`;
  }

  #mismatch(name: string, expected: string): TypeError {
    return new TypeError(mismatch(this.#path(name), expected, this.value(name)));
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !isArray(value);
}

/** Tells the kind of a value, never the value. */
function mismatch(at: string, expected: string, value: JsonValue): string {
  const kind = value === null ? 'null' : isArray(value) ? 'a list' : typeof value;
  return `${at === '' ? '' : `${at}: `}expected ${expected}, got ${kind}`;
}
