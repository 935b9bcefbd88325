/**
 * How many requests may be in flight: additive increase, multiplicative decrease, as TCP does it (Chiu and Jain 1989;
 * RFC 5681). Pure: state in, state out.
 *
 * Until the first decrease the limit doubles every round trip (slow start, RFC 5681 section 3.1): with plain additive
 * increase a run against a fast server would spend its first twelve round trips getting from 4 to 16.
 */
export interface Aimd {
  /** Requests allowed in flight, a whole number of 1 or more. */
  readonly limit: number;
  readonly max: number;
  readonly slowStart: boolean;
  /** Successes since the limit last changed. */
  readonly successes: number;
  /** Monotonic milliseconds of the last decrease. */
  readonly decreasedAt: number;
}

const START = 4;

export function startAimd(max: number): Aimd {
  return {
    limit: Math.min(START, max),
    max,
    slowStart: true,
    successes: 0,
    decreasedAt: Number.NEGATIVE_INFINITY,
  };
}

/**
 * @param binding whether the limit was what kept further requests from starting; if not, a success proves nothing
 * about a higher one
 */
export function afterSuccess(state: Aimd, binding: boolean): Aimd {
  if (!binding || state.limit >= state.max) return state;
  const successes = state.successes + 1;
  if (!state.slowStart && successes < state.limit) return { ...state, successes };
  return { ...state, limit: state.limit + 1, successes: 0 };
}

/**
 * @param factor what the limit is multiplied by
 * @param startedAt when the request that met the congestion was sent, monotonic milliseconds. One sent before the last
 * decrease tells nothing of the limit in force now: so there is at most one decrease a round trip.
 */
export function afterCongestion(state: Aimd, factor: number, startedAt: number, now: number): Aimd {
  if (startedAt <= state.decreasedAt) return state;
  const limit = Math.max(1, Math.floor(state.limit * factor));
  return { ...state, limit, slowStart: false, successes: 0, decreasedAt: now };
}
