import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instantAt, parseTimestamp } from '../../src/jobs/timestamp.ts';

function instantOf(text: string): number {
  const bytes = Buffer.from(`"${text}"`);
  return instantAt(bytes, 1, bytes.length - 1);
}

/** What it makes of a text is what `parseTimestamp` does, or it leaves the text alone. */
function agrees(text: string): void {
  const micros = instantOf(text);
  if (!Number.isNaN(micros)) assert.equal(BigInt(micros), parseTimestamp(text), text);
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const shaped = fc
  .tuple(
    ...[digits(4), digits(2), digits(2), digits(2), digits(2), digits(2)],
    fc.stringMatching(/^(\.[0-9]{0,8})?$/),
    fc.constantFrom('', 'Z', 'z', '+00:00', '-00:00', '+02:00', '+0000', ' '),
  )
  .map(
    ([year, month, day, hour, minute, second, fraction, zone]) =>
      `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`,
  );

test('it agrees with parseTimestamp on texts of its shape, valid or not', () => {
  fc.assert(fc.property(shaped, agrees), { numRuns: 5000 });
});

test('it agrees with parseTimestamp after any edit of a valid text', () => {
  const letters = fc.constantFrom(...'0123456789-:.TZ+ ,', '');
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), noInvalidDate: true }),
      fc.nat(),
      letters,
      (date, place, letter) => {
        const text = date.toISOString();
        const at = place % (text.length + 1);
        agrees(text.slice(0, at) + letter + text.slice(at + 1));
      },
    ),
    { numRuns: 5000 },
  );
});

test('it reads the usual shapes', () => {
  for (const text of [
    '2021-11-10T15:24:38.172109',
    '2023-03-24T09:06:52.107659+00:00',
    '2021-11-10T15:24:38.000Z',
    '2024-02-29T23:59:59Z',
    '2021-11-10T15:24:38.1234567',
    '2021-11-10T15:24:38.12345678901234567890Z',
    '1969-12-31T23:59:59.999999Z',
    '2255-01-01T00:00:00',
  ]) {
    assert.equal(BigInt(instantOf(text)), parseTimestamp(text), text);
  }
});

test('it leaves everything else alone', () => {
  for (const text of [
    '',
    '1636558026.698066',
    '2023-02-29T00:00:00Z',
    '2021-11-10T24:00:00Z',
    '2021-11-10T15:24:38.',
    '2021-11-10T15:24:38+02:00',
    '2021-11-10 15:24:38',
    '2021-11-10T15:24',
    '2256-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
  ]) {
    assert.ok(Number.isNaN(instantOf(text)), text);
  }
});
