import * as v from 'valibot';
import { count, type JsonValue, list } from '../json/checked-json.ts';

/** How completeness was proven: docs/completeness.md has a theorem for each. From the cheapest to none. */
export const PROOF_METHODS = ['enclosed', 'incremental', 'id', 'leaves', 'none'] as const;
export type ProofMethod = (typeof PROOF_METHODS)[number];

/** What a list is ordered by: an instant in microseconds, or an id. Keys of one list are of one kind. */
export type Key = number | bigint | string;

/** Instants as digits: a double does not hold all of them. */
const INSTANT = v.pipe(
  v.string(),
  v.transform((digits): Key => BigInt(digits)),
);
const ID = v.pipe(
  v.string(),
  v.transform((id): Key => id),
);
const IDS = list(v.string());

const segmentOf = (key: typeof INSTANT) =>
  v.object({
    ...{ low: v.nullable(key), high: v.nullable(key), start: count, end: count },
    /** The ids of the answers at either end, by which others join it. */
    ...{ left: IDS, right: IDS },
  });

const walkOf = (key: typeof INSTANT) =>
  v.object({
    /** Position up to which windows were read. */
    covered: count,
    segments: list(segmentOf(key)),
    /** Why it proves nothing any more. */
    barred: v.nullable(v.string()),
  });

const PROOF = v.object({
  stage: v.picklist(['walk', 'id', 'rest', 'leaves']),
  walk: walkOf(INSTANT),
  byId: walkOf(ID),
  /** The last prefix, in order, up to which all leaves were read. */
  leaves: v.string(),
});

const INCREMENT = v.object({
  stage: v.literal('increment'),
  walk: walkOf(INSTANT),
  /** Whether the jobs that were open have all been asked for. */
  asked: v.boolean(),
  /** Ids of jobs of the base that are no more. */
  gone: IDS,
});

/** A method that gave no proof, and why. */
const TRIED = v.object({ method: v.picklist(PROOF_METHODS), reason: v.string() });
const VERDICT = v.object({ ...TRIED.entries, tried: list(TRIED) });

const SAVED = v.object({
  /** Which group of ids was being read. */
  group: count,
  proof: v.variant('stage', [PROOF, INCREMENT]),
  /** Of the groups before. */
  verdicts: list(VERDICT),
  longest: count,
  drift: v.boolean(),
  found: count,
  totals: v.object({ first: v.number(), last: v.number() }),
  aside: IDS,
  duplicates: count,
});

/** Keys that lie inside answers, each of which shares a job with the next. */
export type Segment = v.InferOutput<ReturnType<typeof segmentOf>>;
/** Where an interrupted walk goes on, and what is proven so far. */
export type WalkState = v.InferOutput<ReturnType<typeof walkOf>>;
export type ProofState = v.InferOutput<typeof PROOF>;
export type IncrementState = v.InferOutput<typeof INCREMENT>;
export type Tried = v.InferOutput<typeof TRIED>;
export type Verdict = v.InferOutput<typeof VERDICT>;
/** Where an extraction goes on: the group of ids it was reading, and what it knew. */
export type Saved = v.InferOutput<typeof SAVED>;

export function encodeState(saved: Saved): JsonValue {
  const digits = (name: string, value: unknown) =>
    (name === 'low' || name === 'high') && value !== null ? String(value) : value;
  return JSON.parse(JSON.stringify(saved, digits));
}

/** @throws when the value is not what `encodeState` makes */
export function decodeState(value: JsonValue): Saved {
  return v.parse(SAVED, value);
}
