import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultKind, FaultPlan } from './index.ts';
import { SimulatorError } from './values.ts';

function chosen(plan: FaultPlan, urls: readonly string[]): Map<string, FaultKind | undefined> {
  return new Map(urls.map((url) => [url, plan.choose(url, 0, 100)]));
}

const URLS = Array.from({ length: 2000 }, (_, i) => `/jobs?offset=${i * 99}`);

test('without anything set nothing goes wrong', () => {
  assert.deepEqual(new Set(chosen(new FaultPlan(1), URLS).values()), new Set([undefined]));
});

test('scripted faults come first, in order, as often as told', () => {
  const plan = new FaultPlan(1, [{ kind: 'html', rate: 1 }]);
  plan.next('500', 2);
  plan.next('reset');
  const kinds = Array.from({ length: 4 }, () => plan.choose('/jobs', 0, 1));
  assert.deepEqual(kinds, ['500', '500', 'reset', 'html']);
});

test('a rule sees the window and counts the attempts of each URL', () => {
  const plan = new FaultPlan(1);
  plan.when(({ offset, limit, attempt }) =>
    offset === 99 && limit === 100 && attempt < 3 ? '503' : undefined,
  );
  const ask = (offset: number) => plan.choose(`/jobs?offset=${offset}`, offset, 100);
  assert.deepEqual([ask(99), ask(0), ask(99), ask(99)], ['503', undefined, '503', undefined]);
  plan.when(undefined);
  assert.equal(ask(99), undefined);
});

test('rates hit their share, and the same pages whatever the order of requests', () => {
  const rates = [
    { kind: '500', rate: 0.2 },
    { kind: 'reset', rate: 0.1 },
  ] as const;
  const forward = chosen(new FaultPlan(7, rates), URLS);
  const backward = chosen(new FaultPlan(7, rates), URLS.toReversed());
  assert.deepEqual(new Map([...backward].toReversed()), forward);
  const count = (kind: FaultKind): number =>
    [...forward.values()].filter((one) => one === kind).length;
  assert.ok(count('500') > 320 && count('500') < 480, String(count('500')));
  assert.ok(count('reset') > 140 && count('reset') < 260, String(count('reset')));
  assert.notDeepEqual(chosen(new FaultPlan(8, rates), URLS), forward);
});

test('a page that failed once may pass the next time', () => {
  const plan = new FaultPlan(1, [{ kind: '500', rate: 0.5 }]);
  const attempts = new Set(Array.from({ length: 30 }, () => plan.choose('/jobs', 0, 100)));
  assert.deepEqual(attempts, new Set(['500', undefined]));
});

test('clear takes everything away', () => {
  const plan = new FaultPlan(1, [{ kind: '500', rate: 1 }]);
  plan.next('reset', 5);
  plan.when(() => 'html');
  plan.clear();
  assert.equal(plan.choose('/jobs', 0, 100), undefined);
});

test('rates that are no shares are refused as wrong usage', () => {
  const isUsage = (error: unknown): boolean => error instanceof SimulatorError;
  assert.throws(() => new FaultPlan(1, [{ kind: '500', rate: -0.1 }]), isUsage);
  assert.throws(() => new FaultPlan(1, [{ kind: '500', rate: Number.NaN }]), isUsage);
  const plan = new FaultPlan(1);
  assert.throws(
    () =>
      plan.set([
        { kind: '500', rate: 0.6 },
        { kind: '502', rate: 0.6 },
      ]),
    isUsage,
  );
});
