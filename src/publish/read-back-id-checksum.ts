import { createHash } from 'node:crypto';

const NEWLINE = 0x0a;

/** Ids are joined before they are hashed: a call to the hash costs more than many short ids. */
const JOINED_BYTES = 64 * 1024;

/** sha256 over ids in file order, each followed by a newline. */
export class IdChecksum {
  rows = 0;
  readonly #hash = createHash('sha256');
  readonly #joined = new Uint8Array(JOINED_BYTES);
  #filled = 0;

  /** @param id as UTF-8; not kept */
  add(id: Uint8Array): void {
    this.rows++;
    if (this.#filled + id.length >= JOINED_BYTES) this.#flush();
    if (id.length >= JOINED_BYTES) {
      this.#hash.update(id);
    } else {
      this.#joined.set(id, this.#filled);
      this.#filled += id.length;
    }
    this.#joined[this.#filled++] = NEWLINE;
  }

  /** Nothing may be added afterwards. */
  hex(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#joined.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
