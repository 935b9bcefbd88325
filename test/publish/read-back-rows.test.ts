import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Damage } from '../../src/publish/read-back-damage.ts';
import { rowCheck } from '../../src/publish/read-back-row.ts';
import { idsOf, idsOfBlock, idsOfLines } from '../../src/publish/read-back-rows.ts';

const CHECK = rowCheck([
  { name: 'id', type: 'string', required: true },
  { name: 'n', type: 'int64', required: false },
  { name: 'more', type: 'json', required: false },
]);

const row = (id: string, more = 'null') => `{"id":"${id}","n":1,"more":${more}}`;

function verdict(ids: () => readonly string[]): readonly string[] | string {
  try {
    return ids();
  } catch (thrown) {
    if (thrown instanceof Damage) return thrown.message;
    throw thrown;
  }
}

/** Judges lines both ways, which must come to the same. @returns the ids, or what is wrong */
function judged(lines: string): readonly string[] | string {
  const lineWise = verdict(() => idsOfLines(lines, 0, CHECK));
  const block = idsOfBlock(lines, CHECK);
  assert.deepEqual(block, typeof lineWise === 'string' ? undefined : lineWise);
  assert.deepEqual(
    verdict(() => idsOf(lines, 0, CHECK)),
    lineWise,
  );
  return lineWise;
}

describe('lines read as one block', () => {
  it('have the ids of their rows, in order', () => {
    assert.deepEqual(judged(`${row('a')}\n${row('b', '[1,{"id":"x"}]')}\n`), ['a', 'b']);
    assert.deepEqual(judged(` ${row('\\n')}\t\n`), ['\n']);
    assert.deepEqual(judged(''), []);
  });

  it('are counted from the start of the file where one is wrong', () => {
    const lines = `${row('a')}\n${row('b')}}\n`;
    assert.throws(() => idsOf(lines, 40, CHECK), /line 42 is no JSON object/);
  });

  const twice = `${row('y')},${row('z')}\n`;
  const withNumber = `${row('y')},0,${row('z')}\n`;
  const split = `{"id":"b"\n"n":1,"more":null}\n`;
  const inText = `{"id":"b\nb","n":1,"more":null}\n`;
  const inArray = `${row('b', '[1\n2]')}\n`;
  const inArrays = `${row('b', '[[{"id":"c"}\n{"id":"d"}]]')}\n`;
  const underTwoNames = `{"id":"b","n":[1\n2],"n":1,"more":null}\n`;
  for (const [why, lines] of [
    ['a newline for a comma between two values', split],
    ['a newline in a text', inText],
    ['a newline for a comma in an array', inArray],
    ['a newline for a comma deeper in', inArrays],
    ['a newline in a value that another of the same name hides', underTwoNames],
    ['two rows in a line', twice],
    ['two rows in a line, without a comma', `${row('y')}${row('z')}\n`],
    ['a comma at the end of a line', `${row('a')},\n${row('b')}\n`],
    ['a comma at the start of a line', `${row('a')}\n,${row('b')}\n`],
    ['a number between two rows', withNumber],
    ['a bracket that closes the block', `${row('a')}]\n[${row('b')}\n`],
    ['no newline between two rows, one too many after', `${row('a')},${row('b')}\n\n`],
    ['an empty line', `${row('a')}\n\n${row('b')}\n`],
    ['a line of spaces', `${row('a')}\n \n`],
    ...[split, inText, inArray, inArrays, underTwoNames].flatMap((torn) => [
      ['as many torn lines as lines of two rows', torn + twice] as const,
      ['as many lines of two rows as torn lines', twice + torn] as const,
      ['a torn line and as many values more in another', torn + withNumber] as const,
      ['values more in a line and a torn line', withNumber + torn] as const,
    ]),
  ] as const) {
    it(`do not mask ${why}: ${JSON.stringify(lines)}`, () => {
      assert.equal(typeof judged(lines), 'string');
      assert.equal(typeof judged(`${row('before')}\n${lines}${row('after')}\n`), 'string');
    });
  }

  it('are judged as they are line by line, whatever their damage', () => {
    const value = fc.constantFrom(
      'null',
      '[]',
      '[1,{"id":"x","n":2,"more":[]}]',
      '"},{"',
      '{"":{}}',
    );
    const sound = fc.array(
      fc.tuple(fc.string(), value).map(([id, more]) => row(JSON.stringify(id).slice(1, -1), more)),
      { minLength: 1, maxLength: 6 },
    );
    const part = fc.constantFrom(
      '\n',
      ',',
      '},{',
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ':',
      '0',
      ' ',
      '',
    );
    const damage = fc.record({ at: fc.nat(), cut: fc.nat({ max: 2 }), part });
    const newlines = fc.record({ at: fc.nat(), to: fc.constantFrom(',', '', '\n\n', ' ') });
    fc.assert(
      fc.property(
        sound,
        fc.array(damage, { maxLength: 3 }),
        fc.array(newlines, { maxLength: 2 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        (rows, damages, joined, torn) => {
          let text = rows.join('\n');
          for (const { at, cut, part } of damages)
            text = replaced(text, at % (text.length + 1), cut, part);
          for (const at of torn) text = replaced(text, nth(text, ',', at), 1, '\n');
          for (const { at, to } of joined) text = replaced(text, nth(text, '\n', at), 1, to);
          judged(`${text}\n`);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function replaced(text: string, at: number, cut: number, part: string): string {
  return text.slice(0, at) + part + text.slice(at + cut);
}

/** Where one of the places is at which a text has a character, or its end when there is none. */
function nth(text: string, character: string, n: number): number {
  const places = [...text.matchAll(new RegExp(character, 'g'))].map(({ index }) => index);
  return places[n % places.length] ?? text.length;
}
