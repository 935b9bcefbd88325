import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'lossless-json';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { losslessParse } from '../support/lossless-parse.ts';
import {
  EXACTING_ODDITIES,
  JobStore,
  ODDITIES,
  type OddityKind,
  REJECT_ODDITIES,
} from './index.ts';

const SEED = 3;
const plain = textsOf({ jobs: 40, seed: SEED });

function textsOf(options: ConstructorParameters<typeof JobStore>[0]): string[] {
  return new JobStore(options).page({ offset: 0, limit: 100_000, direction: 'ASC' }).rows;
}

/** Every job of a small list with the same oddity. */
function odd(kind: OddityKind): string[] {
  return textsOf({ jobs: 40, seed: SEED, oddities: [kind], oddityRate: 1 });
}

function field(text: string, name: string): unknown {
  const job = losslessParse(text);
  assert.ok(typeof job === 'object' && job !== null);
  return Reflect.get(job, name);
}

function instants(text: string): (bigint | null)[] {
  return ['created_at', 'updated_at', 'start_timestamp', 'end_timestamp'].map((name) => {
    const value = field(text, name);
    return value === null ? null : parseTimestamp(String(value));
  });
}

for (const kind of [...ODDITIES, ...REJECT_ODDITIES]) {
  test(`${kind} changes the job and stays JSON`, () => {
    const texts = odd(kind);
    for (const text of texts) assert.doesNotThrow(() => losslessParse(text));
    assert.ok(
      texts.some((text, i) => text !== plain[i]),
      'no job differs from the plain one',
    );
  });
}

test('shapes of timestamps keep the instant to the precision they have', () => {
  const precision = { 'time-millis': 1000n, 'time-seconds': 1_000_000n };
  const shapes = [
    'time-naive',
    'time-offset',
    'time-zulu',
    'time-space',
    'time-epoch-text',
    'time-long-fraction',
  ] as const;
  for (const kind of [...shapes, 'time-millis', 'time-seconds'] as const) {
    const unit = kind in precision ? Reflect.get(precision, kind) : 1n;
    for (const [i, text] of odd(kind).entries()) {
      const [created, ...others] = instants(plain[i]);
      // The list is in the order of created_at, which therefore stays as it is.
      const expected = [created, ...others.map((t) => (t === null ? null : (t / unit) * unit))];
      assert.deepEqual(instants(text), expected, kind);
    }
  }
});

test('epoch numbers are numbers with six digits', () => {
  for (const text of odd('time-epoch-number')) assert.match(text, /"created_at":\d{10}\.\d{6},/);
  assert.match(odd('time-year-2655-number')[0], /"end_timestamp":21636558026\.698066,/);
});

test('text that JSON.stringify cannot write is written digit for digit', () => {
  const all = (kind: OddityKind): string => odd(kind).join('\n');
  assert.match(all('runs-past-double'), /"runs":9007199254740992,/);
  assert.match(all('runs-past-double'), /"runs":9007199254740993,/);
  assert.match(all('variables-huge-exponent'), /1e400/);
  assert.match(all('variables-many-digits'), /3\.14159265358979323846264338327950288/);
  assert.match(all('extra-numbers'), /"budget":1e400/);
  assert.match(all('text-nul'), /\\u0000/);
  assert.match(all('lone-surrogate'), /\\ud83e a/);
  assert.match(all('duplicate-keys'), /^\{"variables":\{"first":true\},"runs":1,.*"runs":\d+,/m);
});

test('exponents keep the instant, lower-case letters stand in the text, years lie where no reader goes', () => {
  for (const [i, text] of odd('time-epoch-exponent').entries()) {
    const seconds = /"created_at":(1\.\d{15}e9),/.exec(text)?.[1] ?? '';
    const [digits] = seconds.replace('.', '').split('e');
    assert.equal(BigInt(digits), instants(plain[i])[0]);
  }
  for (const text of odd('time-epoch-exponent-text')) {
    assert.match(text, /"created_at":"1\.\d{15}e9"/);
  }
  for (const text of odd('time-lowercase')) {
    assert.match(text, /"created_at":"\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d\.\d{6}z"/);
  }
  assert.match(odd('time-year-0000')[0], /"end_timestamp":"0000-/);
  assert.match(odd('time-year-10000').join('\n'), /"end_timestamp":"\+0?10000-/);
});

test('line separators go out as they are, lone surrogates as escapes', () => {
  const [separators] = odd('text-separators');
  for (const character of ['\u2028', '\u2029', '\u0085']) assert.ok(separators.includes(character));
  for (const text of EXACTING_ODDITIES.filter((kind) => kind.startsWith('lone')).flatMap(odd)) {
    assert.ok(text.isWellFormed());
    assert.match(text, /\\ud[89a-f]/);
  }
});

test('keys of one object differ by case only, also from those of the contract', () => {
  const [text] = odd('keys-case');
  assert.deepEqual(Object.keys(Object(field(text, 'variables'))), ['omega', 'Omega', 'OMEGA']);
  for (const name of ['ID', 'Status', 'device', 'Device']) assert.ok(text.includes(`"${name}":`));
});

test('a planted oddity is in that job alone', () => {
  const options = { jobs: 40, seed: SEED, oddities: ['null-runs'], oddityRate: 0.5 } as const;
  const before = textsOf(options);
  const after = textsOf({ ...options, planted: { 7: 'variables-nan', 12: 'lone-surrogate' } });
  const changed = after.flatMap((text, i) => (text === before[i] ? [] : [i]));
  assert.deepEqual(changed, [7, 12]);
  assert.match(after[7], /"variables":\{"omega":NaN,/);
});

test('proto keys are own members of the job and of its variables', () => {
  const [text] = odd('proto-keys');
  assert.match(text, /,"__proto__":\{"polluted":true\},"constructor":"text"\}$/);
  assert.match(text, /"variables":\{"__proto__":/);
});

test('what the filters look at is odd for the filters too', () => {
  const store = new JobStore({
    jobs: 60,
    seed: SEED,
    oddities: ['unknown-status', 'null-runs', 'end-before-start'],
    oddityRate: 1,
  });
  const total = (filters: object): number => store.page({ offset: 0, limit: 1, filters }).total;
  assert.equal(total({ status: ['HIBERNATING'] }), 20);
  assert.equal(total({ minRuns: 0 }), 40);
  for (const text of odd('end-before-start')) {
    const [, , started, ended] = instants(text);
    assert.ok(started != null && ended != null && ended < started);
  }
});

test('oddities take turns, so that a list of kinds / rate jobs shows every one', () => {
  const jobs = Math.ceil(ODDITIES.length / 0.1);
  const changed = textsOf({ jobs, seed: SEED, oddities: true });
  const plainOnes = textsOf({ jobs, seed: SEED });
  const differing = changed.filter((text, i) => text !== plainOnes[i]).length;
  assert.ok(differing > 0.8 * ODDITIES.length && differing <= ODDITIES.length, String(differing));
  assert.match(changed.join(''), /HIBERNATING/);
});

test('all oddities together leave every required field usable', () => {
  for (const text of textsOf({ jobs: 600, seed: SEED, oddities: true, oddityRate: 1 })) {
    for (const name of ['id', 'batch_id', 'project_id', 'status']) {
      assert.equal(typeof field(text, name), 'string');
    }
    assert.notEqual(instants(text)[0], null);
    assert.ok(stringify(losslessParse(text))?.isWellFormed());
  }
});
