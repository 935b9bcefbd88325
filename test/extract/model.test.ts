import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeAll, summary } from './model.ts';
import { isWrong } from './oracle.ts';
import { KIND_NAMES } from './schedules.ts';

/** Schedules of each kind. */
const EACH = 12;

test('no schedule of the model is called proven with a job missing or doubled; what can be proven is', async (t) => {
  const verdicts = await judgeAll(0, EACH * KIND_NAMES.length);
  const { text, unmet } = summary(verdicts);
  t.diagnostic(`\n${text}`);
  assert.deepEqual(verdicts.filter(isWrong), []);
  assert.deepEqual(unmet, []);
});
