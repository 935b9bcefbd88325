import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { IdIndex, IdList, prefixDigits } from '../../src/jobs/id-index.ts';

const ids = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => `0000${id.slice(4)}`),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.string(),
  fc
    .tuple(fc.uuid(), fc.nat({ max: 35 }), fc.constantFrom('\u0130', '\u00e9', '\u2030', 'g'))
    .map(([id, at, letter]) => id.slice(0, at) + letter + id.slice(at + 1)),
);

test('it numbers strings, each once', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 300 }), fc.array(ids), (added, others) => {
      const index = new IdIndex();
      const model = new Map<string, number>();
      for (const id of [...added, ...added.slice(0, 5)]) {
        const number = index.intern(id);
        assert.equal(number, model.get(id) ?? number);
        model.set(id, number);
      }
      assert.equal(new Set(model.values()).size, model.size);
      assert.equal(index.size, model.size);
      for (const id of [...added, ...others]) assert.equal(index.has(id), model.has(id));
    }),
  );
});

test('a list gives back what was put in, and an index can begin with one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(ids), fc.array(ids), (known, more) => {
      const list = new IdList();
      for (const id of known) list.push(Buffer.from(id));
      const texts = known.map((id) => Buffer.from(id).toString('utf8'));
      const index = new IdIndex(structuredClone(list.memory));
      for (const id of more) index.intern(id);
      const copy = new IdList(structuredClone(list.memory));
      assert.equal(copy.length, known.length);
      for (const [at, text] of texts.entries()) {
        assert.equal(copy.textAt(at), text);
        assert.equal(Buffer.from(copy.bytesAt(at)).toString('utf8'), text);
        assert.equal(index.intern(text), texts.indexOf(text));
        assert.ok(index.hasOf(copy, at));
      }
      assert.equal(index.size, new Set([...texts, ...more]).size);
      const others = new IdIndex();
      for (const id of more) others.internBytes(Buffer.from(id));
      for (const [at, text] of texts.entries())
        assert.equal(others.hasOf(copy, at), more.includes(text));
    }),
  );
});

test('it counts and lists the ids under any prefix, also after more were added', () => {
  fc.assert(
    fc.property(
      fc.array(ids, { minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.nat({ max: 36 }),
      (all, pick, length) => {
        const prefix = all[pick % all.length].slice(0, length);
        const index = new IdIndex();
        const half = all.length >> 1;
        for (const id of all.slice(0, half)) index.intern(id);
        index.countPrefix(prefix);
        for (const id of all.slice(half)) index.intern(id);
        const expected = [...new Set(all)].filter((id) => id.startsWith(prefix)).sort();
        assert.equal(index.countPrefix(prefix), expected.length);
        assert.deepEqual(index.idsWithPrefix(prefix).sort(), expected);
      },
    ),
  );
});

test('only a text with which a UUID can start has digits', () => {
  const uuid = '12345678-9abc-4def-8123-456789abcdef';
  for (let length = 0; length <= uuid.length; length++) {
    const prefix = uuid.slice(0, length);
    assert.equal(prefixDigits(prefix), prefix.replaceAll('-', ''));
  }
  for (const other of [
    '-',
    '1234-',
    '12345678--',
    '1234567-',
    'ABC',
    'xyz',
    `${uuid}0`,
    `${uuid}-`,
  ])
    assert.equal(prefixDigits(other), undefined, other);
});

test('an id of another shape is counted once under a prefix longer than the sorted keys', () => {
  const index = new IdIndex();
  for (const id of ['00000000-0000-1000-8000-00001999999A', '00000000-0000-1000-8000-000000000000'])
    index.intern(id);
  assert.equal(index.countPrefix('00000000-0000-1'), 2);
});

test('a million ids take less than 40 bytes each, prefix counts included', () => {
  const index = new IdIndex();
  const million = 1_000_000;
  for (let n = 0; n < million; n++) {
    const high = Math.imul(n, 0x9e3779b1) >>> 0;
    index.intern(
      `${high.toString(16).padStart(8, '0')}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    );
  }
  assert.equal(index.size, million);
  const perPrefix = [...'0123456789abcdef'].map((digit) => index.countPrefix(digit));
  assert.equal(
    perPrefix.reduce((sum, count) => sum + count),
    million,
  );
  assert.ok(index.byteLength < 40 * million, `${index.byteLength} bytes`);
});
