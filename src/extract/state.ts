import * as v from 'valibot';
import type { JsonValue } from '../json/checked-json.ts';
import type { Key } from './coverage.ts';
import type { IncrementState } from './increment.ts';
import { PROOF_METHODS, type ProofState, type Verdict } from './list-proof.ts';
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

const ids = v.array(v.string());

const walkState = <S extends typeof instant | typeof text>(key: S) =>
  v.object({
    covered: count,
    segments: v.array(
      v.object({ low: key, high: key, start: count, end: count, left: ids, right: ids }),
    ),
    barred: v.nullable(v.string()),
  });

const method = v.picklist(PROOF_METHODS);
const tried = v.array(v.object({ method, reason: v.string() }));

const savedSchema = v.object({
  group: count,
  proof: v.variant('stage', [
    v.object({
      stage: v.picklist(['walk', 'id', 'rest', 'leaves']),
      walk: walkState(instant),
      byId: walkState(text),
      leaves: v.string(),
    }),
    v.object({
      stage: v.literal('increment'),
      walk: walkState(instant),
      asked: v.boolean(),
      gone: ids,
    }),
  ]),
  verdicts: v.array(v.object({ method, reason: v.string(), tried })),
  longest: count,
  drift: v.boolean(),
  found: count,
  totals: v.object({ first: v.number(), last: v.number() }),
  aside: v.array(v.string()),
  duplicates: count,
});

/** Where an extraction goes on: the group of ids it was reading, and what it knew. */
export interface Saved extends Omit<v.InferOutput<typeof savedSchema>, 'proof' | 'verdicts'> {
  readonly proof: ProofState | IncrementState;
  readonly verdicts: readonly Verdict[];
}

export function encodeState(saved: Saved): JsonValue {
  const { proof, totals } = saved;
  const verdicts = saved.verdicts.map(({ method, reason, tried: before }) => {
    return { method, reason, tried: before.map((one) => ({ ...one })) };
  });
  const walk = encodeWalk(proof.walk);
  const encoded: JsonValue =
    proof.stage === 'increment'
      ? { ...proof, walk, gone: [...proof.gone] }
      : { ...proof, walk, byId: encodeWalk(proof.byId) };
  return { ...saved, verdicts, proof: encoded, totals: { ...totals } };
}

/** @throws when the value is not what `encodeState` makes */
export function decodeState(value: JsonValue): Saved {
  return v.parse(savedSchema, value);
}

function encodeWalk({ covered, segments, barred }: WalkState): JsonValue {
  const digits = (key: Key | null): string | null => (key === null ? null : String(key));
  const encoded = segments.map((segment) => ({
    ...segment,
    ...{ low: digits(segment.low), high: digits(segment.high) },
    ...{ left: [...segment.left], right: [...segment.right] },
  }));
  return { covered, segments: encoded, barred };
}
