import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DRIFT_OPERATIONS,
  FAULT_KINDS,
  ODDITIES,
  parseDrift,
  parseFault,
  parseOddities,
  parseRateLimit,
  REJECT_ODDITIES,
} from './index.ts';
import { parseEnd, parseLatency, parsePlants } from './parse-options.ts';
import { SimulatorError } from './values.ts';

function refuses(parse: () => unknown, ...words: readonly string[]): void {
  assert.throws(parse, (error) => {
    assert.ok(error instanceof SimulatorError);
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    return true;
  });
}

test('faults', () => {
  for (const kind of FAULT_KINDS)
    assert.deepEqual(parseFault(`${kind}=0.25`), { kind, rate: 0.25 });
  refuses(() => parseFault('501=0.1'), "'501'", 'valid: 400, ', 'duplicate-job');
  for (const text of ['500', '500=', '500=often', '500=1.5', '500=-1'])
    refuses(() => parseFault(text), '500');
});

test('drift', () => {
  assert.deepEqual(parseDrift('every=10'), { every: 10 });
  assert.deepEqual(parseDrift('every=3, burst=2,seed=9,insert=3,delete=0.5'), {
    every: 3,
    burst: 2,
    seed: 9,
    operations: { insert: 3, delete: 0.5 },
  });
  for (const name of DRIFT_OPERATIONS) {
    assert.deepEqual(parseDrift(`every=1,${name}=1`).operations, { [name]: 1 });
  }
  refuses(() => parseDrift('every=1,explode=1'), "'explode'", 'insert-batch');
  for (const text of ['', 'insert=1', 'every=0', 'every=1.5', 'every=x'])
    refuses(() => parseDrift(text));
});

test('oddities', () => {
  assert.equal(parseOddities('all'), true);
  assert.equal(parseOddities('none'), false);
  const kinds = [...ODDITIES, ...REJECT_ODDITIES];
  assert.deepEqual(parseOddities(kinds.join(', ')), kinds);
  refuses(() => parseOddities('time-naive,time-travel'), "'time-travel'", 'lone-surrogate');
});

test('rate limits', () => {
  assert.deepEqual(parseRateLimit('20'), { perSecond: 20 });
  assert.deepEqual(parseRateLimit('0.5,burst=4,retry-after=date'), {
    perSecond: 0.5,
    burst: 4,
    retryAfter: 'date',
  });
  refuses(() => parseRateLimit('20,retry-after=never'), 'garbage');
  for (const text of ['', '0', '-3', 'fast', '5,burst=x', '5,speed=1'])
    refuses(() => parseRateLimit(text));
});

test('a latency is milliseconds, an end an instant, a plant a kind by position', () => {
  assert.deepEqual(['50ms', '2s', '0'].map(parseLatency), [50, 2000, 0]);
  assert.equal(parseEnd('1970-01-01T00:00:01+00:00'), 1_000_000);
  assert.deepEqual(parsePlants('70=giant, 5=variables-nan'), { 5: 'variables-nan', 70: 'giant' });
  for (const text of ['soon', '5 ms', '-1ms', '1m', ''])
    refuses(() => parseLatency(text), 'latency');
  refuses(() => parseEnd('2026-11-25'), '2026-11-25');
  refuses(() => parsePlants('7=gaint'), 'gaint', 'giant');
  refuses(() => parsePlants('giant'), 'giant');
});
