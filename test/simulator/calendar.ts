import { mixed } from './values.ts';

/** Microseconds. */
export const SECOND = 1_000_000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

/** Demand by hour of the day, UTC: labs of Central Europe at work, some others beside them. */
const BY_HOUR = [
  ...[2, 1, 1, 1, 1, 2, 5, 10, 16, 19, 18, 13],
  ...[15, 19, 19, 17, 13, 9, 7, 6, 5, 4, 3, 3],
].map((demand) => demand / 8.7);
/** By day of the week, Sunday first. */
const BY_WEEKDAY = [0.25, 1.2, 1.35, 1.35, 1.3, 1.1, 0.35];
/** How much of an hour's load is gone an hour later. */
const CLEARED = 0.3;
const YEARLY_GROWTH = 1.45;
const YEAR_HOURS = 365.25 * 24;
const UNIT = 2 ** 32;
const INCIDENT_PURPOSE = 0x1dc1de27;
const INCIDENT_ODDS = 40;

/** Demand at an hour (counted from the epoch) without growth; 1 on average. Holidays and luck make days differ. */
function rhythm(seed: number, hour: number): number {
  const day = Math.floor(hour / 24);
  const luck = 0.6 + (0.8 * mixed(seed, day)) / UNIT;
  // The epoch began on a Thursday.
  return BY_HOUR[hour - day * 24] * BY_WEEKDAY[(day + 4) % 7] * season(day) * luck;
}

/** August and the turn of the year are quiet. */
function season(day: number): number {
  const dayOfYear = day % 365.25;
  if (dayOfYear < 2 || dayOfYear > 356) return 0.3;
  return dayOfYear > 212 && dayOfYear < 241 ? 0.55 : 1;
}

function growth(hour: number): number {
  return YEARLY_GROWTH ** (hour / YEAR_HOURS - 53);
}

/** Demand between two instants, in the unit of `DemandWalk.advance`. */
export function totalDemand(seed: number, from: number, to: number): number {
  const last = Math.floor(to / HOUR);
  let sum = 0;
  for (let hour = Math.floor(from / HOUR); hour < last; hour++) {
    sum += rhythm(seed, hour) * growth(hour);
  }
  return sum;
}

/** Walks from an instant on through demand instead of time: equal steps come closer together in busy hours. */
export class DemandWalk {
  readonly #seed: number;
  #hour: number;
  /** How much of the hour's demand lies behind, 0 to 1. */
  #part = 0;
  #load = 1;

  /** @param from microseconds since the epoch; cut to the hour */
  constructor(seed: number, from: number) {
    this.#seed = seed;
    this.#hour = Math.floor(from / HOUR);
  }

  /** Work that waits, from the demand of the last hours; about 1 on average, above 2 in busy afternoons. */
  get load(): number {
    return this.#load;
  }

  /** @returns the instant reached, microseconds since the epoch */
  advance(amount: number): number {
    let left = amount;
    for (;;) {
      const own = rhythm(this.#seed, this.#hour);
      const demand = own * growth(this.#hour);
      if (left < demand * (1 - this.#part)) {
        this.#part += left / demand;
        return Math.floor((this.#hour + this.#part) * HOUR);
      }
      left -= demand * (1 - this.#part);
      this.#load += (own - this.#load) * CLEARED;
      this.#hour += 1;
      this.#part = 0;
    }
  }
}

/** A number that names what went wrong on a day when the machine itself was ill; undefined on the others. */
export function incidentOn(seed: number, createdAt: number): number | undefined {
  const hash = mixed(seed ^ INCIDENT_PURPOSE, Math.floor(createdAt / DAY));
  return hash % INCIDENT_ODDS === 0 ? hash >>> 8 : undefined;
}
