import type { FaultKind } from './fault-kinds.ts';
import { hashText, Random } from './random.ts';
import { usageError } from './usage.ts';

export interface FaultRate {
  readonly kind: FaultKind;
  /** Share of the requests, 0 to 1. */
  readonly rate: number;
}

/** What a rule may look at. */
export interface FaultRequest {
  /** Path and query as asked. */
  readonly url: string;
  /** 0 for a token request, as is `limit`. */
  readonly offset: number;
  readonly limit: number;
  /** 1 for the first request of this very URL since faults were last set, 2 for the second, ... */
  readonly attempt: number;
}

export type FaultRule = (request: FaultRequest) => FaultKind | undefined;

/** Decides which requests go wrong, and how. What is scripted comes before the rule, the rule before the rates. */
export class FaultPlan {
  readonly #seed: number;
  readonly #scripted: FaultKind[] = [];
  readonly #attempts = new Map<string, number>();
  #rule: FaultRule | undefined;
  #rates: readonly FaultRate[] = [];

  constructor(seed: number, rates: readonly FaultRate[] = []) {
    this.#seed = seed;
    this.set(rates);
  }

  /**
   * Replaces the rates. Whether a request fails depends on seed, URL and attempt only, so that concurrency does not
   * change which pages are hit.
   *
   * @throws SimulatorError when a rate is no share or they add up to more than 1
   */
  set(rates: readonly FaultRate[]): void {
    const sum = rates.reduce((total, { rate }) => total + rate, 0);
    if (rates.some(({ rate }) => !(rate >= 0)) || sum > 1) {
      throw usageError(`fault rates must be 0 or more and add up to 1 at most, got ${sum}`);
    }
    this.#rates = rates;
    this.#attempts.clear();
  }

  /** Lets the next `times` requests fail so, behind those already scripted. */
  next(kind: FaultKind, times = 1): void {
    for (let i = 0; i < times; i++) this.#scripted.push(kind);
  }

  /** Lets a function decide; undefined takes the rule away. */
  when(rule: FaultRule | undefined): void {
    this.#rule = rule;
    this.#attempts.clear();
  }

  /** No more faults of any origin. */
  clear(): void {
    this.#scripted.length = 0;
    this.when(undefined);
    this.set([]);
  }

  /** The fault of one request, if any. To be asked once a request. */
  choose(url: string, offset: number, limit: number): FaultKind | undefined {
    const scripted = this.#scripted.shift();
    if (scripted !== undefined) return scripted;
    if (this.#rule === undefined && this.#rates.length === 0) return undefined;
    const attempt = (this.#attempts.get(url) ?? 0) + 1;
    this.#attempts.set(url, attempt);
    return this.#rule?.({ url, offset, limit, attempt }) ?? this.#byRate(url, attempt);
  }

  #byRate(url: string, attempt: number): FaultKind | undefined {
    if (this.#rates.length === 0) return undefined;
    let left = new Random(this.#seed, hashText(url), attempt).unit();
    return this.#rates.find(({ rate }) => {
      left -= rate;
      return left < 0;
    })?.kind;
  }
}
