import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  compactJson,
  escapeLoneSurrogates,
  FORM,
  JsonScanner,
} from '../../src/json/json-scanner.ts';

/** Whether the scanner takes the text for one whole JSON value. */
function accepts(text: string): boolean {
  const scanner = new JsonScanner(Buffer.from(text));
  try {
    scanner.value();
    scanner.end();
    return true;
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const ODD_TEXTS = [
  ...['', ' ', '{', '}', '[', ']', '[1,]', '[,1]', '{"a":1,}', '{,}', '{"a"}', '{"a":}', '{a:1}'],
  ...['01', '-', '-01', '1.', '.5', '1e', '1e+', '1E-5', '-0', '0.0e-0', '+1', '1 2', '0x1'],
  ...['nul', 'nulll', 'true', 'True', 'NaN', 'Infinity', 'undefined', '"', '"\\"', '"\\x"'],
  ...['"\\u12"', '"\\u12g4"', '"\\ud83d"', '"\\"', '"\\\\"', '"a\nb"', '"\u0000"', '"\u007f"'],
  ...['"\u2028"', '\u00a01', '\ufeff1', '\v1', '[1}', '{"a":1]', '[[[]]]', '{"a":{"b":[]}}', '[]]'],
];

for (const text of ODD_TEXTS) {
  test(`${JSON.stringify(text)} is accepted only if JSON.parse does`, () => {
    assert.equal(accepts(text), parses(text));
  });
}

test('it accepts what JSON.parse accepts, also with white space, and whatever one edit makes of it', () => {
  const texts = fc
    .tuple(fc.json(), fc.constantFrom(undefined, 1, '\t', '\r\n'))
    .map(([text, space]) => JSON.stringify(JSON.parse(text), null, space));
  const letters = fc.constantFrom(...'{}[],:"\\0123456789.-+eEu \n\ttrufalsn', 'é', '\u0001');
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat({ max: 2 }), letters, (text, place, cut, letter) => {
      assert.ok(accepts(text), text);
      const at = place % (text.length + 1);
      const edited = text.slice(0, at) + letter + text.slice(at + cut);
      assert.equal(accepts(edited), parses(edited), edited);
    }),
    { numRuns: 1000 },
  );
});

test('a string ends at its quote, whatever byte stands where in it', () => {
  for (let byte = 0; byte < 256; byte++) {
    for (let place = 1; place <= 9; place++) {
      const text = Buffer.from('"aaaa\u00e9aaa"');
      text[place] = byte;
      const read = () => {
        const scanner = new JsonScanner(text);
        scanner.string();
        return scanner.at;
      };
      if (byte < 0x20) assert.throws(read, SyntaxError);
      else if (byte === 0x5c) assert.throws(read, SyntaxError);
      else assert.equal(read(), byte === 0x22 ? place + 1 : text.length);
    }
  }
});

test('nesting has no limit', () => {
  for (const [open, close] of ['[]', ['{"a":', '}']]) {
    const inside = open === '[' ? '' : '1';
    assert.ok(accepts(open.repeat(200_000) + inside + close.repeat(200_000)));
    assert.ok(!accepts(open.repeat(200_000) + inside + close.repeat(199_999)));
  }
});

test('it tells how a value was written', () => {
  for (const [text, form] of [
    ['"é"', FORM.plain],
    ['"a\\nb"', FORM.escaped],
    ['"\\n\\u00e9\\n"', FORM.unicode],
    ['[1,"a b"]', FORM.plain],
    ['[1, 2]', FORM.spaced],
    ['{"a" :1}', FORM.spaced],
    ['{"a\\u0041" :1}', FORM.unicode],
    ['[["\\ud800"]]', FORM.unicode],
    ['["\\n"]', FORM.plain],
    [' 12.5 ', FORM.plain],
  ] as const) {
    assert.equal(new JsonScanner(Buffer.from(text)).value(), form, text);
  }
});

test('compact JSON has lost its white space and nothing else', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(' ', '\t', 3), (value, space) => {
      const spaced = Buffer.from(`x${JSON.stringify(value, null, space)} ,`);
      const compact = compactJson(spaced, 1, spaced.length - 2).toString();
      assert.equal(compact, JSON.stringify(value));
    }),
  );
});

test('no value is lost where halves of surrogate pairs are escaped', () => {
  const parts = ['\ud800', '\udbff', '\udc00', '\udfff', '\u{1f600}', '\\', 'ud800', '"', 'a'];
  const texts = fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((text) => text.join(''));
  const values = fc.oneof(texts, fc.array(texts), fc.dictionary(texts, fc.array(texts)));
  fc.assert(
    fc.property(values, (value) => {
      const escaped: unknown = JSON.parse(escapeLoneSurrogates(JSON.stringify(value)));
      assert.equal(JSON.stringify(escaped), JSON.stringify(withHalvesSaid(value)));
    }),
    { numRuns: 2000 },
  );
});

/** The value with every half of a pair as the six characters of its escape. */
function withHalvesSaid(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withHalvesSaid);
  if (typeof value !== 'string')
    return Object.fromEntries(
      Object.entries(Object(value)).map((member) => member.map(withHalvesSaid)),
    );
  const characters = [...value].map((character) =>
    character.isWellFormed() ? character : `\\u${character.charCodeAt(0).toString(16)}`,
  );
  return characters.join('');
}
