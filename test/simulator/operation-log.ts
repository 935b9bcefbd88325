/** One change of the list. */
export interface Operation {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly id: string;
  /** Pages answered before the change. */
  readonly page: number;
}

/** What happened to the list, so that a test can tell which jobs existed all the time. */
export class OperationLog {
  readonly #operations: Operation[] = [];

  /** In the order they were made. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  add(kind: Operation['kind'], id: string, page: number): void {
    this.#operations.push({ kind, id, page });
  }

  /** Ids inserted after `page` pages had been answered. */
  insertedSince(page: number): Set<string> {
    const inserts = this.#operations.filter((one) => one.kind === 'insert' && one.page >= page);
    return new Set(inserts.map(({ id }) => id));
  }
}
