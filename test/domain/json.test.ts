import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseJson, stringifyJson } from '../../src/domain/json.ts';

const KEPT_DIGIT_FOR_DIGIT = [
  '9007199254740993',
  '-9007199254740993',
  '123456789012345678901234567890',
  '1e400',
  '-2.5E-400',
  '0.1234567890123456789',
  '3.141592653589793238462643',
  '1636558026.698066',
];

for (const digits of KEPT_DIGIT_FOR_DIGIT) {
  for (const [place, text] of [
    ['alone', digits],
    ['in an array', `[1,${digits}]`],
    ['in an object', `{"a":{"b":${digits}}}`],
    ['behind a space', `{"a": ${digits} }`],
  ]) {
    test(`${digits} ${place} is kept`, () => {
      assert.equal(stringifyJson(parseJson(text)), text.replaceAll(' ', ''));
    });
  }
}

test('ordinary numbers are plain numbers', () => {
  assert.deepEqual(parseJson('{"a":[1,2.5,-3,0.1,123456789012345]}'), {
    a: [1, 2.5, -3, 0.1, 123456789012345],
  });
});

test('__proto__ and constructor are ordinary keys, on the fast and on the exact path', () => {
  for (const number of ['1', '9007199254740993']) {
    const text = `{"__proto__":{"x":${number}},"constructor":2}`;
    const value = parseJson(text);
    assert.equal(stringifyJson(value), text);
    assert.ok(value instanceof Object);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  }
});

test('of duplicate keys the last wins, on the fast and on the exact path', () => {
  assert.deepEqual(parseJson('{"a":1,"a":2}'), { a: 2 });
  assert.equal(
    stringifyJson(parseJson('{"a":1,"b":9007199254740993,"a":2}')),
    '{"a":2,"b":9007199254740993}',
  );
});

test('text that is not JSON is refused on both paths', () => {
  for (const text of [
    '',
    '{',
    '[1,]',
    '{"a":9007199254740993',
    'nul',
    '01',
    '[9007199254740993,]',
  ]) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
});

test('any JSON value means the same behind both parsers', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      assert.equal(stringifyJson(parseJson(text)), text);
      const withLongNumber = `[9007199254740993,${text}]`;
      assert.equal(stringifyJson(parseJson(withLongNumber)), withLongNumber);
    }),
  );
});

test('any decimal number keeps its value', () => {
  const decimals = fc.tuple(
    fc.constantFrom('', '-'),
    fc.stringMatching(/^(0|[1-9][0-9]{0,25})$/),
    fc.stringMatching(/^(\.[0-9]{1,25})?$/),
  );
  fc.assert(
    fc.property(decimals, ([sign, whole, fraction]) => {
      const text = `${sign}${whole}${fraction}`;
      assert.deepEqual(decimalOf(stringifyJson(parseJson(text))), decimalOf(text));
    }),
  );
});

/** A decimal as sign, digits without leading and trailing zeros, and power of ten. */
function decimalOf(text: string): readonly [string, string, number] {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return ['', '', 0];
  return [sign, trimmed, Number(exponent) - fraction.length + digits.length - trimmed.length];
}
