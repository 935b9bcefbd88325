import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fields, type JsonValue } from '../../src/json/json-value.ts';

const VALUE: JsonValue = {
  text: 'a',
  count: 3,
  fraction: 0.5,
  flag: false,
  nothing: null,
  hex: 'beef',
  inner: { count: -1 },
  list: [{ text: 'x' }, { text: 4 }],
  texts: ['a', 1],
  huge: 2 ** 53,
};
const fields = new Fields(VALUE);

describe('fields of a JSON object', () => {
  it('come back as what they are', () => {
    assert.equal(fields.text('text'), 'a');
    assert.equal(fields.count('count'), 3);
    assert.equal(fields.number('fraction'), 0.5);
    assert.equal(fields.flag('flag'), false);
    assert.equal(fields.textOrNull('nothing'), null);
    assert.equal(fields.fieldsOrNull('nothing'), null);
    assert.equal(fields.oneOf('text', ['b', 'a']), 'a');
    assert.equal(fields.hex('hex', 4), 'beef');
    assert.equal(fields.list('list')[0]?.text('text'), 'x');
    assert.ok(fields.has('nothing') && !fields.has('toString'));
  });

  const wrong: readonly [string, () => unknown, string][] = [
    ['missing', () => fields.text('no'), 'no: missing'],
    ['inherited', () => fields.value('toString'), 'toString: missing'],
    ['another kind', () => fields.text('count'), 'count: expected text, got number'],
    ['null', () => fields.text('nothing'), 'nothing: expected text, got null'],
    ['a fraction', () => fields.count('fraction'), 'fraction: expected a whole number, got number'],
    ['past 2^53', () => fields.count('huge'), 'huge: expected a whole number, got number'],
    [
      'negative, deeper',
      () => fields.fields('inner').count('count'),
      'inner.count: expected a whole number, got number',
    ],
    [
      'in a list',
      () => fields.list('list')[1]?.text('text'),
      'list[1].text: expected text, got number',
    ],
    ['an item', () => fields.texts('texts'), 'texts: expected a list of texts, got a list'],
    ['a list of others', () => fields.list('texts'), 'texts[0]: expected an object, got string'],
    [
      'another word',
      () => fields.oneOf('text', ['b', 'c']),
      'text: expected one of b, c, got string',
    ],
    ['not hex', () => fields.hex('text', 2), 'text: expected 2 hex digits, got string'],
    ['no object at all', () => new Fields([1]), 'expected an object, got a list'],
  ];
  for (const [why, read, message] of wrong) {
    it(`are refused when ${why}, without a word of the value`, () => {
      assert.throws(read, { name: 'TypeError', message });
    });
  }
});
