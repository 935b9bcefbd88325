import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask, getPage, idsOf, jobsUrl, withSimulator } from './client.ts';
import { startSimulator } from './index.ts';

test('the hook sees each page request before the list is looked at', async () => {
  const seen: [number, number][] = [];
  await withSimulator(
    {
      jobs: 20,
      onRequest: (query, n) => {
        seen.push([query.offset, n]);
        if (n === 2) throw new Error('hook failed');
      },
    },
    async (simulator) => {
      await getPage(simulator, 'offset=3');
      assert.equal((await ask(jobsUrl(simulator, 'limit=0'))).status, 422);
      const failed = await ask(jobsUrl(simulator, 'offset=7'));
      assert.deepEqual(
        [failed.status, JSON.parse(failed.body.toString()).message],
        [500, 'hook failed'],
      );
      assert.deepEqual(seen, [
        [3, 1],
        [7, 2],
      ]);
    },
  );
});

test('the list drifts between pages, and a test may change it too', async () => {
  const drift = { every: 2, operations: { insert: 1 } };
  await withSimulator({ jobs: 10, drift }, async (simulator) => {
    const totals: unknown[] = [];
    for (let i = 0; i < 5; i++) totals.push((await getPage(simulator)).pagination?.total);
    assert.deepEqual(totals, [10, 10, 11, 11, 12]);
    const id = simulator.jobs.insert({ status: 'DONE' });
    assert.deepEqual(idsOf(await getPage(simulator, 'limit=1')), [id]);
  });
});

test('latency holds every page back, the cost of deep offsets only deep ones', async () => {
  const never = 3_600_000;
  await withSimulator({ jobs: 1, latencyMs: never }, async (simulator) => {
    const giveUpWhen = (): boolean => simulator.stats.requests === 1;
    assert.equal((await ask(jobsUrl(simulator), { giveUpWhen })).error, 'HUNG');
  });
  await withSimulator({ jobs: 1, deepOffsetCostMs: never }, async (simulator) => {
    assert.equal((await ask(jobsUrl(simulator))).status, 200);
    const giveUpWhen = (): boolean => simulator.stats.requests === 2;
    const deep = await ask(jobsUrl(simulator, 'offset=100000'), { giveUpWhen });
    assert.equal(deep.error, 'HUNG');
  });
  await withSimulator({ jobs: 1, latencyMs: 1 }, async (simulator) => {
    assert.equal((await ask(jobsUrl(simulator))).status, 200);
  });
});

test('requests, connections, statuses and bytes are counted, also while in flight', async () => {
  await withSimulator({ jobs: 10 }, async (simulator) => {
    const { stats } = simulator;
    const { body } = await ask(jobsUrl(simulator));
    simulator.faults.next('hang', 3);
    const giveUpWhen = (): boolean => stats.faults.hang === 3;
    await Promise.all([1, 2, 3].map(() => ask(jobsUrl(simulator), { giveUpWhen })));
    assert.deepEqual(
      [stats.requests, stats.pages, stats.connections, stats.maxInFlight, stats.bytes],
      [4, 4, 4, 3, body.length],
    );
    assert.deepEqual([stats.statuses, stats.faults], [{ 200: 1 }, { hang: 3 }]);
    while (stats.inFlight > 0) await setImmediate();
  });
});

test('whoever follows a redirect is counted', async () => {
  await withSimulator({ jobs: 1 }, async (simulator) => {
    simulator.faults.next('redirect');
    const { headers } = await ask(jobsUrl(simulator));
    await ask(new URL(String(headers.location), simulator.url).href);
    assert.equal(simulator.stats.redirectsFollowed, 1);
  });
});

test('shut cuts connections and refuses new ones until reopen, on the same port', async () => {
  await withSimulator({ jobs: 1 }, async (simulator) => {
    const agent = new Agent({ keepAlive: true });
    const idle = request(jobsUrl(simulator), { agent }).end();
    const [response] = await once(idle, 'response');
    await text(response);
    await simulator.shut();
    assert.equal((await ask(jobsUrl(simulator))).error, 'ECONNREFUSED');
    await simulator.reopen();
    assert.equal((await ask(jobsUrl(simulator))).status, 200);
    agent.destroy();
  });
});

test('a taken port is told at the start', async () => {
  await withSimulator({ jobs: 1 }, async ({ port }) => {
    await assert.rejects(startSimulator({ jobs: 1, port }), { code: 'EADDRINUSE' });
  });
});

test('after close nothing keeps the process, whatever is still under way', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('close-child.ts', import.meta.url))],
    { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 },
  );
  const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  assert.deepEqual([code, output], [0, 'closed\n']);
});
