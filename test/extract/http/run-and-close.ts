import { setTimeout as delay } from 'node:timers/promises';
import { createJobsClient } from '../../../src/extract/http/client.ts';
import { SECRETS } from './token-server.ts';

/**
 * A program for process-end.test.ts: asks for pages with real time and real timers, closes the client after a second
 * at most, and says what came of it and what would still keep it alive. It does not exit: it must come to its end.
 */
const [apiUrl = '', count = '1', tokenUrl] = process.argv.slice(2);

const client = createJobsClient(
  {
    apiUrl,
    filters: {},
    deadlineAt: Infinity,
    giveUpAfterMs: Infinity,
    credentials:
      tokenUrl === undefined
        ? { kind: 'none' }
        : {
            kind: 'client',
            clientId: 'service',
            clientSecret: SECRETS.clientSecret,
            endpoint: {
              url: tokenUrl,
              publicClientId: '',
              realm: '',
              passwordGrant: '',
              audience: '',
            },
          },
    concurrency: 16,
    userAgent: 'test/1',
  },
  {
    clock: {
      wall: Date.now,
      monotonic: () => performance.now(),
      sleep: (ms, signal) =>
        delay(ms, undefined, signal ? { signal } : {}).catch(() => {
          throw signal?.reason;
        }),
    },
    random: Math.random,
    emit: () => {},
  },
);

const pages = Array.from({ length: Number(count) }, () =>
  client.fetchPage({ offset: 0, limit: 100 }),
);
const all = Promise.allSettled(pages);
const patience = new AbortController();
await Promise.race([all, delay(tokenUrl ? 15_000 : 300, undefined, patience)]);
patience.abort();
await client.close();
const ends = await all;
const fetched = ends.filter(({ status }) => status === 'fulfilled').length;

/** Sockets and timers that keep the process alive. Sockets take a few turns of the event loop to go. */
async function remaining(turns: number): Promise<string[]> {
  const held = process
    .getActiveResourcesInfo()
    .filter((name) => /TCP|TLS|DNS|GetAddr|Timeout/.test(name));
  if (held.length === 0 || turns === 0) return held;
  await new Promise((resolve) => setImmediate(resolve));
  return remaining(turns - 1);
}

const held = await remaining(1000);
const left = held.length === 0 ? '' : `, left: ${held.join(' ')}`;
process.stdout.write(`${fetched} pages, ${ends.length - fetched} errors${left}\n`);
