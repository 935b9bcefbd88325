import { planWindows, requestsAtMost } from '../extract/windows.ts';
import type { Filters } from '../jobs/pipeline.ts';
import type { Effects } from '../platform/effects.ts';
import { openClient } from './client.ts';
import { nodeEffects } from './node-effects.ts';
import type { ExportOptions } from './options.ts';

/** What an export would take, as of now. */
export interface Plan {
  readonly apiUrl: string;
  readonly filters: Filters;
  /** Jobs the filters match. */
  readonly total: number;
  readonly windows: number;
  /** At most, while the list does not change. */
  readonly requests: number;
  readonly pageSize: number;
}

/**
 * Asks for one job to learn the total; fetches nothing else and writes nothing.
 *
 * @throws ExportError as `runExport` does for a first request that fails
 */
export async function planExport(
  options: ExportOptions,
  given: Partial<Effects> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Plan> {
  const effects = { ...nodeEffects, ...given };
  const client = openClient(options, effects, effects.clock.monotonic());
  const { apiUrl, filters, pageSize } = options;
  try {
    const answer = await client.fetchPage({ offset: 0, limit: 1 }, signal);
    const total = answer.kind === 'page' ? answer.total : 0;
    const windows = planWindows(total, pageSize).length;
    return { apiUrl, filters, total, windows, requests: requestsAtMost(total, pageSize), pageSize };
  } finally {
    await client.close();
  }
}
