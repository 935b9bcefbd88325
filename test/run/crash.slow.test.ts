import test from 'node:test';
import { seededRandom } from '../support/shifting-list.ts';
import { killAndFinish, prepare } from './crash-checks.ts';

const JOBS = 2500;

test('killed at every file operation, in turn, the next start finishes with the same bytes', {
  timeout: 1_200_000,
}, async (t) => {
  const ground = await prepare(t, JOBS);
  let requests = 0;
  for (let at = 1; at <= ground.operations; at++) {
    requests += await killAndFinish(ground, [
      { at, what: at % 2 === 0 ? 'kill-half' : 'kill-after' },
    ]);
  }
  t.diagnostic(`${ground.operations} kills, 0 differences, ${requests} requests in all`);
});

test('killed at a random operation and again while resuming', { timeout: 1_200_000 }, async (t) => {
  const ground = await prepare(t, JOBS);
  const random = seededRandom(11);
  const pick = (): number => 1 + Math.floor(random() * ground.operations);
  const pairs = 10;
  for (let turn = 0; turn < pairs; turn++) {
    await killAndFinish(ground, [
      { at: pick(), what: 'kill-half' },
      { at: pick(), what: 'kill-after' },
    ]);
  }
  t.diagnostic(`${2 * pairs} kills in ${pairs} runs, 0 differences`);
});
