import { DATA_ODDITIES, DATA_TWISTS } from './oddities-data.ts';
import { REJECT_ODDITIES, REJECT_TWISTS } from './oddities-reject.ts';
import { TIME_ODDITIES, TIME_TWISTS } from './oddities-time.ts';
import type { Twist } from './twist.ts';

/** Rare but legal payloads: an export keeps every one of these jobs. */
export const ODDITIES = [...TIME_ODDITIES, ...DATA_ODDITIES] as const;

export { REJECT_ODDITIES };

export type OddityKind = (typeof ODDITIES)[number] | (typeof REJECT_ODDITIES)[number];

const TWISTS: Readonly<Record<OddityKind, Twist>> = {
  ...TIME_TWISTS,
  ...DATA_TWISTS,
  ...REJECT_TWISTS,
};

export function twistOf(kind: OddityKind): Twist {
  return TWISTS[kind];
}

/**
 * Which oddity a slot has. One job in `1 / rate` is odd and the kinds take turns, so that a list of `kinds / rate`
 * jobs shows every one.
 */
export function oddityOf(
  slot: number,
  kinds: readonly OddityKind[],
  rate: number,
): OddityKind | undefined {
  if (kinds.length === 0 || rate <= 0) return undefined;
  const before = Math.floor(slot * rate);
  return Math.floor((slot + 1) * rate) > before ? kinds[before % kinds.length] : undefined;
}
