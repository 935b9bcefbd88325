import { request } from 'node:http';
import { startSimulator } from './index.ts';

/** Closes a simulator with answers hanging, delayed and refused, and then has nothing left to do. */
const simulator = await startSimulator({ jobs: 10, refusedMs: 3_600_000 });
const slow = await startSimulator({ jobs: 10, latencyMs: 3_600_000 });
const underWay = [simulator, simulator, slow].map(
  (server) =>
    new Promise<void>((resolve) => {
      request(`${server.url}/api/v2/jobs`)
        .on('error', () => resolve())
        .end();
    }),
);
simulator.faults.next('hang');
simulator.faults.next('refused');
await Promise.all(underWay.slice(0, 2));
await Promise.all([simulator.close(), slow.close()]);
await Promise.all(underWay);
process.stdout.write('closed\n');
