/**
 * How many requests may start in a second, once a server refuses more than a few. A concurrency limit alone cannot
 * hold a rate: one request at a time, answered in 5 ms, is 200 a second. So then requests are also spaced out, and the
 * rate follows CUBIC (RFC 9438 section 4.2), as in the AWS SDKs' "adaptive" retry mode: it drops to 0.7 of what the
 * server was taking, comes back fast, lingers where it was refused, then probes ever faster. Pure.
 */
export interface Pace {
  /** Requests a second the server took when it last refused too many; Infinity until it does. */
  readonly peak: number;
  /** Monotonic milliseconds from which the rate grows again: the drop, or the end of the pause asked for. */
  readonly since: number;
  readonly window: Window;
}

/** Answers of the running second and of the one before. */
interface Window {
  readonly startedAt: number;
  readonly accepted: number;
  readonly refused: number;
  readonly acceptedBefore: number;
  readonly refusedBefore: number;
}

const DROP = 0.7;
/** Requests a second, per second cubed: with 4, a limit of 25 a second that is lifted is forgotten in five seconds. */
const GROWTH = 4;
/** Share of refusals that is taken as bad luck, and left to backoff and the concurrency limit. */
const TOLERATED = 0.1;
const SLOWEST = 1;
/** Above this the spacing is below what a timer can hold. */
const FASTEST = 1000;
const WINDOW_MS = 1000;

export function startPace(now: number): Pace {
  const window = { startedAt: now, accepted: 0, refused: 0, acceptedBefore: 0, refusedBefore: 0 };
  return { peak: Number.POSITIVE_INFINITY, since: Number.NEGATIVE_INFINITY, window };
}

/** Requests a second allowed at `now`; Infinity: no spacing. */
export function rateAt({ peak, since }: Pace, now: number): number {
  if (peak === Number.POSITIVE_INFINITY) return peak;
  const seconds = Math.max(0, now - since) / 1000;
  const back = Math.cbrt((peak * (1 - DROP)) / GROWTH);
  const rate = Math.max(SLOWEST, peak + GROWTH * (seconds - back) ** 3);
  return rate > FASTEST ? Number.POSITIVE_INFINITY : rate;
}

/** Counts a request that the server did not refuse. */
export function afterAccepted(pace: Pace, now: number): Pace {
  const window = windowAt(pace.window, now);
  return { ...pace, window: { ...window, accepted: window.accepted + 1 } };
}

/**
 * @param startedAt when the refused request was sent; one sent before `since` tells nothing of the rate in force now
 * @param resumesAt when requests may start again: `now`, or later when the server asked for a pause
 */
export function afterRefusal(pace: Pace, startedAt: number, now: number, resumesAt: number): Pace {
  const running = windowAt(pace.window, now);
  const window = { ...running, refused: running.refused + 1 };
  const share = 1 - (now - window.startedAt) / WINDOW_MS;
  const accepted = window.accepted + window.acceptedBefore * share;
  const refused = window.refused + window.refusedBefore * share;
  if (startedAt <= pace.since || refused <= TOLERATED * (accepted + refused)) {
    return { ...pace, window };
  }
  return {
    window,
    peak: Math.max(SLOWEST, Math.min(accepted, rateAt(pace, now))),
    since: resumesAt,
  };
}

function windowAt(window: Window, now: number): Window {
  const passed = Math.floor((now - window.startedAt) / WINDOW_MS);
  if (passed < 1) return window;
  return {
    startedAt: window.startedAt + passed * WINDOW_MS,
    accepted: 0,
    refused: 0,
    acceptedBefore: passed === 1 ? window.accepted : 0,
    refusedBefore: passed === 1 ? window.refused : 0,
  };
}
