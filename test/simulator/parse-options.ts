import { DRIFT_OPERATIONS, type DriftOperation, type DriftOptions } from './changes.ts';
import type { FaultRate } from './faults.ts';
import { FAULT_KINDS } from './faults.ts';
import { type RateLimit, RETRY_AFTER_FORMS } from './http.ts';
import { EVERY_ODDITY, type OddityKind } from './oddities.ts';
import { microsOf, usageError } from './values.ts';

/** Reads `kind=rate`, e.g. `500=0.05`. @throws SimulatorError naming the kinds there are */
export function parseFault(text: string): FaultRate {
  const [name, value] = split(text);
  const rate = toNumber(`fault ${name}`, value);
  if (rate < 0 || rate > 1) throw usageError(`expected a rate from 0 to 1, got '${text}'`);
  return { kind: oneOf('fault', FAULT_KINDS, name), rate };
}

/**
 * Reads `every=<pages>` and, behind commas, `burst=<n>`, `seed=<n>` and weights of operations, e.g.
 * `every=10,insert=3,delete=1`. Without weights all operations come up alike.
 *
 * @throws SimulatorError naming the settings and operations there are
 */
export function parseDrift(text: string): DriftOptions {
  const settings: { every?: number; burst?: number; seed?: number } = {};
  const operations: Partial<Record<DriftOperation, number>> = {};
  for (const [name, value] of text.split(',').map(split)) {
    if (name === 'every' || name === 'burst' || name === 'seed') {
      settings[name] = toWhole(`drift ${name}`, value);
    } else {
      const valid = ['every', 'burst', 'seed', ...DRIFT_OPERATIONS];
      const operation = DRIFT_OPERATIONS.find((one) => one === name);
      if (operation === undefined) throw unknown('drift setting', name, valid);
      operations[operation] = toNumber(`drift ${name}`, value);
    }
  }
  const { every, ...others } = settings;
  if (every === undefined || every < 1) {
    throw usageError(`expected drift as every=<pages>,..., got '${text}'`);
  }
  return Object.keys(operations).length === 0
    ? { every, ...others }
    : { every, ...others, operations };
}

/** Reads `50ms`, `2s` or `0`. @returns milliseconds. @throws SimulatorError */
export function parseLatency(text: string): number {
  const [, digits, unit] = /^(\d+)(ms|s)?$/.exec(text) ?? [];
  if (digits === undefined)
    throw usageError(`expected a latency such as 50ms or 2s, got '${text}'`);
  return Number(digits) * (unit === 's' ? 1000 : 1);
}

/** Reads an ISO 8601 date-time. @returns microseconds since the epoch. @throws SimulatorError */
export function parseEnd(text: string): number {
  const micros = microsOf(text);
  if (micros === undefined) {
    throw usageError(`expected an end such as 2026-11-25T02:00:00Z, got '${text}'`);
  }
  return micros;
}

/** Reads `position=kind` behind commas, positions from 0, oldest first, e.g. `70=giant`. @throws SimulatorError */
export function parsePlants(text: string): Record<number, OddityKind> {
  const plants = text.split(',').map(split);
  return Object.fromEntries(
    plants.map(([at, kind]) => [toWhole('a position', at), oneOf('oddity', EVERY_ODDITY, kind)]),
  );
}

/** Reads `all`, `none`, or kinds behind commas. @throws SimulatorError naming the kinds there are */
export function parseOddities(text: string): boolean | OddityKind[] {
  if (text === 'all') return true;
  if (text === 'none') return false;
  return text.split(',').map((name) => oneOf('oddity', EVERY_ODDITY, name.trim()));
}

/**
 * Reads requests a second and, behind commas, `burst=<n>` and `retry-after=<form>`, e.g. `20,retry-after=date`.
 *
 * @throws SimulatorError
 */
export function parseRateLimit(text: string): RateLimit {
  const [first, ...rest] = text.split(',');
  const perSecond = toNumber('rate limit', first.trim());
  if (perSecond <= 0) throw usageError(`expected a rate limit above 0, got '${text}'`);
  let limit: RateLimit = { perSecond };
  for (const [name, value] of rest.map(split)) {
    if (name === 'burst') limit = { ...limit, burst: toWhole('burst', value) };
    else if (name === 'retry-after') {
      limit = { ...limit, retryAfter: oneOf('retry-after', RETRY_AFTER_FORMS, value) };
    } else throw unknown('rate limit setting', name, ['burst', 'retry-after']);
  }
  return limit;
}

function split(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function oneOf<T extends string>(what: string, valid: readonly T[], name: string): T {
  const found = valid.find((one) => one === name);
  if (found === undefined) throw unknown(what, name, valid);
  return found;
}

function unknown(what: string, name: string, valid: readonly string[]): Error {
  return usageError(`unknown ${what} '${name}'; valid: ${valid.join(', ')}`);
}

function toNumber(what: string, text: string): number {
  const number = text === '' ? Number.NaN : Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  throw usageError(`expected a number for ${what}, got '${text}'`);
}

function toWhole(what: string, text: string): number {
  const number = toNumber(what, text);
  if (Number.isSafeInteger(number)) return number;
  throw usageError(`expected a whole number for ${what}, got '${text}'`);
}
