import {
  ChangingList,
  compareTimes,
  countBefore,
  type Row,
  type State,
  timeText,
} from './list-changes.ts';
import {
  type ListAnswer,
  type ListQuery,
  type ModelJob,
  type ModelOptions,
  Random,
} from './list-options.ts';

/** Times of made-up jobs start here: after, or before, those of every real one. */
const MADE_UP = { ASC: 4_000_000_000_000_000, DESC: 1_000_000_000_000_000 };

/**
 * The server's list of jobs, written without a look at the program: what it holds, how it moves
 * between any two answers, and what it makes of a query. Every answer is one moment of one replica.
 *
 * The same seed, options and queries give the same answers.
 */
export class ListModel {
  readonly #options: ModelOptions;
  readonly #random: Random;
  readonly #list: ChangingList;
  /** The latest states, as many as a replica may be behind, and this moment's. */
  readonly #history: State[] = [];
  #version = -1;
  /** The version that each replica shows. */
  readonly #replicas: number[];
  readonly #cached = new Map<string, { readonly total: number; left: number }>();

  constructor(options: ModelOptions, seed: number) {
    this.#options = options;
    this.#random = new Random(seed);
    this.#list = new ChangingList(options, this.#random);
    this.#record();
    // Replicas are behind from the first answer on, so the list moves before it too.
    for (let behind = 0; behind < options.lag; behind += 1) {
      this.#list.change();
      this.#record();
    }
    this.#replicas = Array.from({ length: options.replicas }, () => 0);
  }

  /** Ids of the jobs that were on every replica all the time, and matched the filter. */
  get throughout(): ReadonlySet<string> {
    return this.#list.throughout;
  }

  /** Jobs that match the filter at this moment. */
  get length(): number {
    return this.#list.state.byId.length;
  }

  /** Lets the list change as the options say, then answers. */
  answer(query: ListQuery): ListAnswer {
    this.#move(query);
    const state = this.#replicaState();
    const { idOrder, descending, prefix, refusal } = this.#options;
    if (
      (idOrder === 'refused' && query.orderBy === 'id') ||
      (descending === 'refused' && query.direction === 'DESC') ||
      (prefix === 'refused' && query.idStartsWith !== undefined)
    ) {
      return { kind: 'refused', status: refusal };
    }
    return this.#page(state, {
      ...query,
      orderBy: idOrder === 'honoured' ? query.orderBy : 'created_at',
      direction: descending === 'ignored' ? 'ASC' : query.direction,
      idStartsWith: prefix === 'ignored' ? '' : (query.idStartsWith ?? ''),
      offset: this.#options.offset === 'ignored' ? 0 : query.offset,
      limit: Math.min(query.limit, this.#options.longestPage),
    });
  }

  #move(query: ListQuery): void {
    const { rate, adversary } = this.#options;
    const changes = Math.floor(rate) + (this.#random.chance(rate % 1) ? 1 : 0);
    for (let change = 0; change < changes; change += 1) {
      this.#list.change();
      this.#record();
    }
    if (adversary && this.#random.chance(adversary.chance)) {
      this.#list.attack(adversary.kind, query);
      this.#record();
    }
  }

  #record(): void {
    this.#version += 1;
    this.#history.push(this.#list.state);
    if (this.#history.length > this.#options.lag + 1) this.#history.shift();
  }

  /** A replica drawn by chance answers: it shows what it last showed, or has caught up a little. */
  #replicaState(): State {
    const random = this.#random;
    const replica = random.between(0, this.#replicas.length - 1);
    const oldest = this.#version - this.#history.length + 1;
    const least = Math.max(this.#replicas[replica] ?? 0, oldest);
    const shown = random.chance(0.5) ? least : random.between(least, this.#version);
    this.#replicas[replica] = shown;
    return this.#history[shown - oldest];
  }

  #page(state: State, query: Required<ListQuery>): ListAnswer {
    const options = this.#options;
    const rows = rowsOf(state, query);
    const from = Math.min(query.offset, rows.length, options.reach);
    const to = Math.min(query.offset + query.limit, rows.length, options.reach);
    const cut = this.#cut(rows, from, to, query);
    const broken = options.short > 0 && this.#random.chance(options.short);
    const shown = (broken ? cut.slice(0, this.#random.between(0, cut.length)) : cut)
      .filter(
        (row) => !row.hidden && !(options.dropped > 0 && this.#random.chance(options.dropped)),
      )
      .map(({ job }) => job);
    if (options.endless) {
      const end = query.offset + query.limit;
      for (let at = from + shown.length; at < end; at += 1) shown.push(madeUp(at, query));
    }
    return { kind: 'page', jobs: shown, total: this.#total(rows.length, shown.length, query) };
  }

  /** The rows of places `from` to `to` in the order asked for. */
  #cut(rows: readonly Row[], from: number, to: number, query: ListQuery): readonly Row[] {
    const mirrored = query.direction === 'DESC';
    const [low, high] = mirrored ? [rows.length - to, rows.length - from] : [from, to];
    const { tieOrder } = this.#options;
    if (query.orderBy === 'id' || tieOrder === 'mirrored' || (tieOrder === 'kept' && !mirrored)) {
      const cut = rows.slice(low, high);
      return mirrored ? cut.reverse() : cut;
    }
    const cut = regrouped(rows, low, high, (ties) =>
      tieOrder === 'kept' ? ties.reverse() : this.#random.shuffle(ties),
    );
    return mirrored ? cut.reverse() : cut;
  }

  #total(counted: number, shown: number, query: Required<ListQuery>): number {
    const { total, endless } = this.#options;
    if (endless) return Math.max(counted, query.offset + query.limit + 1);
    switch (total.kind) {
      case 'right':
        return counted;
      case 'rows':
        return shown;
      case 'offsetAndRows':
        return query.offset + shown;
      case 'capped':
        return Math.min(counted, total.at);
      case 'offBy':
        return Math.max(0, counted + total.by);
      case 'cached':
        return this.#cachedTotal(counted, query.idStartsWith, total.answers);
    }
  }

  #cachedTotal(counted: number, prefix: string, answers: number): number {
    const known = this.#cached.get(prefix);
    if (known && known.left > 0) {
      known.left -= 1;
      return known.total;
    }
    this.#cached.set(prefix, { total: counted, left: answers });
    return counted;
  }
}

/** All rows that match a query, in ascending order. */
function rowsOf({ byTime, byId }: State, { idStartsWith, orderBy }: Required<ListQuery>) {
  if (idStartsWith === '') return orderBy === 'id' ? byId : byTime;
  const rows = byId.slice(
    countBefore(byId, ({ job }) => job.id < idStartsWith),
    // "~" sorts behind every digit and the hyphen.
    countBefore(byId, ({ job }) => job.id < `${idStartsWith}~`),
  );
  return orderBy === 'id' ? rows : rows.sort(compareTimes);
}

/** Rows `low` to `high` of a list whose groups of ties are each rearranged as a whole. */
function regrouped(
  rows: readonly Row[],
  low: number,
  high: number,
  rearrange: (ties: Row[]) => Row[],
): Row[] {
  let start = low;
  while (start > 0 && rows[start - 1]?.key === rows[low]?.key) start -= 1;
  const groups: Row[] = [];
  let at = start;
  while (at < high) {
    let end = at + 1;
    while (end < rows.length && rows[end]?.key === rows[at]?.key) end += 1;
    groups.push(...rearrange(rows.slice(at, end)));
    at = end;
  }
  return groups.slice(low - start, high - start);
}

/** A job that never existed, for a server that answers every offset. */
function madeUp(place: number, { direction, idStartsWith }: Required<ListQuery>): ModelJob {
  const id = idStartsWith + new Random(place + 1).uuid().slice(idStartsWith.length);
  const step = place * 1_000_000;
  const time = timeText(MADE_UP[direction] + (direction === 'ASC' ? step : -step), 0);
  return { id, created_at: time, updated_at: time, revision: 0 };
}
