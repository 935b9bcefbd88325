import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { Sequences } from './generate.ts';
import { isoText, isUuid, microsOf, Random, randomUuid, uuidText, uuidWords } from './values.ts';

test('an instant and its text are the same instant', () => {
  const micros = fc.integer({ min: 0, max: 8_000_000_000_000_000 });
  fc.assert(
    fc.property(micros, (instant) =>
      assert.equal(parseTimestamp(isoText(instant)), BigInt(instant)),
    ),
  );
  assert.equal(isoText(1_636_557_878_172_109), '2021-11-10T15:24:38.172109+00:00');
});

test('a UUID and its words are the same UUID, and words sort like texts', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (one, other) => {
      const [a, b] = [uuidWords(one), uuidWords(other)];
      assert.ok(a && b);
      assert.equal(uuidText(...a), one);
      const differing = a.findIndex((word, i) => word !== b[i]);
      if (differing >= 0) assert.equal(a[differing] < b[differing], one < other);
    }),
  );
  assert.equal(uuidWords('12345678-1234-1234-1234-12345678901'), undefined);
});

test('random UUIDs are of version 4', () => {
  const random = new Random(1);
  for (let i = 0; i < 100; i++) {
    const text = uuidText(...randomUuid(random));
    assert.ok(isUuid(text));
    assert.match(text, /^.{14}4.{4}[89ab]/);
  }
});

test('sequences have the length asked for and differ from job to job', () => {
  assert.equal(new Sequences(0, 1).text(1), 'null');
  for (const bytes of [1, 18, 19, 100, 3000, 70_000]) {
    const sequences = new Sequences(bytes, 1);
    const texts = [1, 2, 0xffff_ffff].map((tag) => String(JSON.parse(sequences.text(tag))));
    for (const text of texts) assert.equal(Buffer.byteLength(text), bytes);
    if (bytes >= 100) assert.equal(new Set(texts).size, 3);
    assert.equal(sequences.text(1), new Sequences(bytes, 1).text(1));
  }
});

test('sequences are whole JSON at any length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.nat({ max: 0xffff_ffff }), (bytes, tag) => {
      const text = String(JSON.parse(new Sequences(bytes, 3).text(tag)));
      assert.doesNotThrow(() => JSON.parse(text), text);
      assert.equal(text.length, bytes);
    }),
  );
});

test('date-times are read as the product reads them, and nothing else is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 8_000_000_000_000_000 }),
      fc.constantFrom('', 'Z', '+00:00', '+02:00', '-11:30'),
      (instant, zone) => {
        const text = isoText(instant).replace('+00:00', zone);
        assert.equal(BigInt(microsOf(text) ?? -1), parseTimestamp(text));
      },
    ),
  );
  for (const text of ['', 'x', '2024-02-30T00:00:00Z', '2024-13-01T00:00:00Z', '2024-01-01']) {
    assert.equal(microsOf(text), undefined, text);
  }
});
