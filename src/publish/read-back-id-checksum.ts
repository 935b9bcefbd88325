import { createHash } from 'node:crypto';

/** Ids joined before they are hashed: a call to the hash costs more than many short ids. */
const JOINED = 1000;

/** sha256 over ids in file order, each followed by a newline. */
export class IdChecksum {
  rows = 0;
  readonly #hash = createHash('sha256');
  #held: string[] = [];

  add(id: string): void {
    this.rows++;
    if (this.#held.push(id) === JOINED) this.#flush();
  }

  /** Nothing may be added afterwards. */
  hex(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    if (this.#held.length > 0) this.#hash.update(`${this.#held.join('\n')}\n`);
    this.#held = [];
  }
}
