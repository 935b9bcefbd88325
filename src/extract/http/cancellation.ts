/**
 * Gives every request a signal of its own that follows the caller's. Thousands of requests share the caller's signal,
 * yet it carries one listener, and none when nothing is under way. (`AbortSignal.any` would do, were it not that its
 * dependents pile up on a long-lived source.)
 */
export interface Cancellation {
  /** Runs `task` with a signal; rejects with the signal's reason as soon as it aborts, whatever `task` does. */
  run<T>(source: AbortSignal | undefined, task: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Aborts everything under way and refuses what comes later. */
  cancelAll(reason: Error): void;
}

export function createCancellation(): Cancellation {
  const groups = new Map<AbortSignal | undefined, Group>();
  let cancelled: Error | undefined;

  function join(source: AbortSignal | undefined, member: AbortController): Group {
    const group = groups.get(source) ?? openGroup(source);
    groups.set(source, group);
    group.members.add(member);
    return group;
  }

  function leave(source: AbortSignal | undefined, member: AbortController, group: Group): void {
    group.members.delete(member);
    if (group.members.size > 0 || groups.get(source) !== group) return;
    group.close();
    groups.delete(source);
  }

  return {
    async run(source, task) {
      source?.throwIfAborted();
      if (cancelled) throw cancelled;
      const own = new AbortController();
      const aborted = new Promise<never>((_, reject) => {
        own.signal.addEventListener('abort', () => reject(own.signal.reason), { once: true });
      });
      const group = join(source, own);
      try {
        return await Promise.race([task(own.signal), aborted]);
      } finally {
        leave(source, own, group);
      }
    },

    cancelAll(reason) {
      cancelled ??= reason;
      for (const { members } of groups.values()) {
        for (const member of members) member.abort(reason);
      }
    },
  };
}

/** The requests that follow one signal. */
interface Group {
  readonly members: Set<AbortController>;
  /** Takes the listener off the signal. */
  close(): void;
}

function openGroup(source: AbortSignal | undefined): Group {
  const members = new Set<AbortController>();
  const abort = () => {
    for (const member of members) member.abort(source?.reason);
  };
  source?.addEventListener('abort', abort);
  return { members, close: () => source?.removeEventListener('abort', abort) };
}
