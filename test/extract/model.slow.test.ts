import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeAll, summary } from './model.ts';
import { isWrong } from './oracle.ts';

const SCHEDULES = 20_000;
const AT_MOST_MS = 180_000;

test('20,000 schedules of the model, or as many as fit three minutes: never proven and wrong', async (t) => {
  const verdicts = await judgeAll(0, SCHEDULES, performance.now() + AT_MOST_MS);
  const { text, unmet } = summary(verdicts);
  t.diagnostic(`${verdicts.length} schedules\n${text}`);
  assert.ok(verdicts.length > 1000, `${verdicts.length} schedules`);
  assert.deepEqual(verdicts.filter(isWrong), []);
  assert.deepEqual(unmet, []);
});
