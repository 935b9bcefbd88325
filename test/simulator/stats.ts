/** What the server did so far. Counters only go up; `inFlight` alone goes down again. */
export interface Stats {
  /** Requests of any kind that reached the server. */
  requests: number;
  /** Page requests that were let in: signed in, within the rate, valid. Those hit by a fault count too. */
  pages: number;
  tokenRequests: number;
  /** Answers with status 429. */
  refusals: number;
  /** Requests for the place that redirects name. A careful client makes none. */
  redirectsFollowed: number;
  connections: number;
  inFlight: number;
  /** Most requests ever in flight at once. */
  maxInFlight: number;
  /** Bytes of bodies handed to the network, as sent (compressed when compressed). */
  bytes: number;
  /** Answers by status. Requests that got none are in no count. */
  readonly statuses: Record<string, number>;
  /** Faults by kind. */
  readonly faults: Record<string, number>;
}

export function newStats(): Stats {
  return {
    requests: 0,
    pages: 0,
    tokenRequests: 0,
    refusals: 0,
    redirectsFollowed: 0,
    connections: 0,
    inFlight: 0,
    maxInFlight: 0,
    bytes: 0,
    statuses: {},
    faults: {},
  };
}

/** Adds one to a count by name. */
export function count(counts: Record<string, number>, name: string | number): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
