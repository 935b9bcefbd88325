import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatTimestamp, parseTimestamp } from '../../src/jobs/timestamp.ts';

const OBSERVED: readonly (readonly [string, string])[] = [
  ['2021-11-10T15:24:38.172109', '2021-11-10T15:24:38.172109Z'],
  ['2023-03-24T09:06:52.107659+00:00', '2023-03-24T09:06:52.107659Z'],
  ['2023-03-24T11:06:52.107659+02:00', '2023-03-24T09:06:52.107659Z'],
  ['2023-03-24T00:36:52-0530', '2023-03-24T06:06:52.000000Z'],
  ['2021-11-10T15:24:38.000Z', '2021-11-10T15:24:38.000000Z'],
  ['2021-11-10T15:24:38Z', '2021-11-10T15:24:38.000000Z'],
  ['2021-11-10 15:24', '2021-11-10T15:24:00.000000Z'],
  ['1636558026.698066', '2021-11-10T15:27:06.698066Z'],
  ['1636558026', '2021-11-10T15:27:06.000000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
  ['2021-11-10T15:24:38.1721099999Z', '2021-11-10T15:24:38.172109Z'],
  ['-0.0000001', '1969-12-31T23:59:59.999999Z'],
  ['1.7040672005e9', '2024-01-01T00:00:00.500000Z'],
  ['17040672005E-1', '2024-01-01T00:00:00.500000Z'],
  ['+1.7040672e+09', '2024-01-01T00:00:00.000000Z'],
  ['1e-400', '1970-01-01T00:00:00.000000Z'],
  ['-1e-99999999999', '1969-12-31T23:59:59.999999Z'],
  ['0e400', '1970-01-01T00:00:00.000000Z'],
  ['2024-01-01t00:00:00z', '2024-01-01T00:00:00.000000Z'],
  ['2024-01-01 02:00:00.5 +02:00', '2024-01-01T00:00:00.500000Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
  ['-62135596800', '0001-01-01T00:00:00.000000Z'],
  ['9999-12-31T23:59:59.9999999Z', '9999-12-31T23:59:59.999999Z'],
  ['253402300799.9999999', '9999-12-31T23:59:59.999999Z'],
];

for (const [text, expected] of OBSERVED) {
  test(`${text} is ${expected}`, () => {
    const micros = parseTimestamp(text);
    assert.notEqual(micros, null);
    assert.equal(formatTimestamp(micros ?? 0n), expected);
  });
}

test('an instant in the year 2655 is exact', () => {
  assert.equal(parseTimestamp('21636558026.698066'), 21_636_558_026_698_066n);
});

const NO_INSTANTS = [
  '',
  'yesterday',
  '2023-02-29T00:00:00Z',
  '2023-02-30T00:00:00Z',
  '2023-13-01T00:00:00Z',
  '2023-00-10T00:00:00Z',
  '2023-04-31T00:00:00Z',
  '2023-01-01T24:00:00Z',
  '2023-01-01T00:60:00Z',
  '2023-01-01T00:00:60Z',
  '2023-01-01T00:00:00+24:00',
  '2023-01-01T00:00:00.Z',
  '2023-01-01',
  ' 2023-01-01T00:00:00Z',
  '1e',
  '1e+',
  'e9',
  '0x10',
  '1e10.5',
  '2023-01-01T00:00:00Z ',
  '2023-01-01T00:00:00 ',
  '2023-01-01T00:00:00  Z',
  '0000-12-31T23:59:59.999999Z',
  '0001-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  '253402300800',
  '-62135596800.0000001',
  '1e400',
  '-1e99999999999',
  'NaN',
];

for (const text of NO_INSTANTS) {
  test(`${JSON.stringify(text)} is no instant`, () => assert.equal(parseTimestamp(text), null));
}

const FIRST = Date.parse('0001-01-01T00:00:00Z');
const instants = fc
  .tuple(
    fc.integer({ min: FIRST, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([millis, inMillisecond]) => BigInt(millis) * 1000n + BigInt(inMillisecond));

test('any instant round-trips through its text', () => {
  fc.assert(fc.property(instants, (micros) => parseTimestamp(formatTimestamp(micros)) === micros));
});

test('any instant with any offset, separator and number of digits is the same microsecond', () => {
  const shapes = fc.record({
    micros: instants.filter(
      (micros) => micros > -62_000_000_000_000_000n && micros < 250_000_000_000_000_000n,
    ),
    minutes: fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
    colon: fc.boolean(),
    separator: fc.constantFrom('T', 't', ' '),
    space: fc.constantFrom('', ' '),
    beyond: fc.stringMatching(/^[0-9]{0,6}$/),
  });
  fc.assert(
    fc.property(shapes, ({ micros, minutes, colon, separator, space, beyond }) => {
      const local = formatTimestamp(micros + BigInt(minutes) * 60_000_000n)
        .slice(0, -1)
        .replace('T', separator);
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map(
        (part) => String(part).padStart(2, '0'),
      );
      const offset = `${minutes < 0 ? '-' : '+'}${hours}${colon ? ':' : ''}${rest}`;
      assert.equal(parseTimestamp(`${local}${beyond}${space}${offset}`), micros);
    }),
  );
});

test('any number of epoch seconds is the same microsecond', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 253_402_300_799_999_999n), (micros) => {
      const text = `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`;
      assert.equal(parseTimestamp(text), micros);
    }),
  );
});

test('epoch seconds with any exponent are what exact arithmetic makes of them', () => {
  const shapes = fc.record({
    sign: fc.constantFrom('', '-'),
    digits: fc.bigInt(0n, 10n ** 24n),
    point: fc.nat({ max: 24 }),
    exponent: fc.integer({ min: -40, max: 20 }),
  });
  fc.assert(
    fc.property(shapes, ({ sign, digits, point, exponent }) => {
      const padded = digits.toString().padStart(point + 1, '0');
      const text = `${sign}${padded.slice(0, padded.length - point)}.${padded.slice(padded.length - point)}`;
      // Micros times 10 ** 70, exactly.
      const scaled = BigInt(`${sign}${digits}`) * 10n ** BigInt(76 - point + exponent);
      const unit = 10n ** 70n;
      const floor = scaled / unit - (scaled % unit < 0n ? 1n : 0n);
      const inRange = floor >= BigInt(FIRST) * 1000n && floor < BigInt(Date.UTC(10_000, 0)) * 1000n;
      const number = text.endsWith('.') ? text.slice(0, -1) : text;
      assert.equal(parseTimestamp(`${number}e${exponent}`), inRange ? floor : null);
    }),
    { numRuns: 2000 },
  );
});
