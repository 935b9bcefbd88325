import * as v from 'valibot';
import type { JsonValue } from '../json/json-value.ts';
import type { Key } from './coverage.ts';
import type { WalkState } from './walk.ts';

/** Instants as digits: a double does not hold all of them. */
const instant = v.nullable(
  v.pipe(
    v.string(),
    v.transform((digits) => BigInt(digits)),
  ),
);
const text = v.nullable(v.string());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const walkState = <S extends typeof instant | typeof text>(key: S) =>
  v.object({
    covered: count,
    segments: v.array(v.object({ low: key, high: key, start: count, end: count })),
    barred: v.nullable(v.string()),
  });

const savedSchema = v.object({
  stage: v.picklist(['walk', 'id', 'leaves']),
  walk: walkState(instant),
  byId: walkState(text),
  /** The last prefix, in order, up to which all leaves were read. */
  leaves: v.string(),
  longest: count,
  drift: v.boolean(),
  /** Jobs in hand behind the walk; -1 before its end. */
  walked: v.number(),
  totals: v.object({ first: v.number(), last: v.number() }),
  aside: v.array(v.string()),
  duplicates: count,
});

/** Where an extraction goes on. */
export interface Saved extends Omit<v.InferOutput<typeof savedSchema>, 'walk' | 'byId'> {
  readonly walk: WalkState;
  readonly byId: WalkState;
}

export function encodeState(saved: Saved): JsonValue {
  const { walk, byId, totals } = saved;
  return { ...saved, walk: encodeWalk(walk), byId: encodeWalk(byId), totals: { ...totals } };
}

/** @throws when the value is not what `encodeState` makes */
export function decodeState(value: JsonValue): Saved {
  return v.parse(savedSchema, value);
}

function encodeWalk({ covered, segments, barred }: WalkState): JsonValue {
  const digits = (key: Key | null): string | null => (key === null ? null : String(key));
  const encoded = segments.map(({ low, high, start, end }) => ({
    ...{ low: digits(low), high: digits(high) },
    ...{ start, end },
  }));
  return { covered, segments: encoded, barred };
}
