import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Damage } from '../../src/load/check-file.ts';
import { rowReader } from '../../src/load/check-rows.ts';

const COLUMNS = [
  { name: 'id', type: 'string', required: true },
  { name: 'n', type: 'int64', required: false },
  { name: 'more', type: 'json', required: false },
];

const row = (id: string, more = 'null') => `{"id":"${id}","n":1,"more":${more}}`;

/** @returns the ids, or what is wrong */
function read(lines: string, columns = COLUMNS): string[] | string {
  const ids: string[] = [];
  const readRows = rowReader(columns, (id) => ids.push(Buffer.from(id).toString()));
  try {
    readRows(Buffer.from(lines));
    return ids;
  } catch (thrown) {
    if (thrown instanceof Damage) return thrown.message;
    throw thrown;
  }
}

/** The same by `JSON.parse`, line by line. @returns the ids, or the number of the first line that is no such row */
function parsed(lines: string): string[] | number {
  const ids: string[] = [];
  for (const line of lines.split('\n').slice(0, -1)) {
    const id = idOf(line);
    if (id === undefined) return ids.length + 1;
    ids.push(id);
  }
  return ids;
}

function idOf(line: string): string | undefined {
  try {
    const value = JSON.parse(line);
    const isRow = Object.keys(value).join() === 'id,n,more' && typeof value.id === 'string';
    return isRow && (value.n === null || Number.isInteger(value.n)) ? value.id : undefined;
  } catch {
    return undefined;
  }
}

function assertSame(lines: string): void {
  const [found, expected] = [read(lines), parsed(lines)];
  if (typeof expected !== 'number') assert.deepEqual(found, expected);
  else assert.match(String(found), new RegExp(`^line ${expected} (is no|has|lacks) `));
}

describe('rows of NDJSON', () => {
  it('have ids, in order', () => {
    assert.deepEqual(read(`${row('a')}\n${row('b', '[1,{"id":"x"}]')}\n`), ['a', 'b']);
    assert.deepEqual(
      read(` { "id" : ${JSON.stringify('\né\u{1f600}')} , "n":1, "more":{} }\t\r\n`),
      ['\né\u{1f600}'],
    );
    assert.deepEqual(read(''), []);
  });

  it('are counted over all lines of the file', () => {
    const readRows = rowReader(COLUMNS, () => {});
    readRows(Buffer.from(`${row('a')}\n${row('b')}\n`));
    const wrong = Buffer.from(`${row('c')}\n${row('d')}}\n`);
    assert.throws(() => readRows(wrong), /line 4 is no JSON object/);
  });

  it('have values of the kinds of their columns', () => {
    for (const [type, sound, wrong] of [
      ['string', ['""', '"\\u0041"'], ['1', 'true', '[]', '{}']],
      ['int64', ['0', '-1', '9223372036854775807'], ['1.5', '1e3', '"1"', 'true', '[]', '{}']],
      ['float64', ['0', '-1', '1.5', '1e400'], ['"1"', 'true', '[]', '{}']],
      ['bool', ['true', 'false'], ['0', '"true"', '[]', '{}']],
      ['strings', ['[]', '["a",null]'], ['[1]', '[["a"]]', '"a"', '{}', '0']],
      ['json', ['0', '"a"', '[]', '{}', 'true'], []],
      [
        'timestamp',
        ['"2021-11-10T15:24:38.172109Z"', '"+012655-11-10T15:24:38.172109Z"'],
        [
          ...['"2021-11-10T15:24:38Z"', '"2021-11-10T15:24:38.172109"', '"2021-11-10"', '0', '[]'],
          ...['"x021-11-10T15:24:38.172109Z"', '"*012655-11-10T15:24:38.172109Z"'],
        ],
      ],
    ] as const) {
      const line = (value: string) => `{"id":"a","v":${value}}\n`;
      const judge = (value: string, required: boolean) =>
        read(line(value), [COLUMNS[0], { name: 'v', type, required }]);
      for (const value of sound) assert.deepEqual(judge(value, true), ['a'], `${type} ${value}`);
      for (const value of wrong) assert.equal(judge(value, true), 'line 1 has a wrong value in v');
      assert.deepEqual(judge('null', false), ['a']);
      const ofNull = type === 'json' ? ['a'] : 'line 1 has a wrong value in v';
      assert.deepEqual(judge('null', true), ofNull);
    }
  });

  const twice = `${row('y')},${row('z')}\n`;
  const withNumber = `${row('y')},0,${row('z')}\n`;
  const split = `{"id":"b"\n"n":1,"more":null}\n`;
  const inSpace = `{"id":"b",\n"n":1,"more":null}\n`;
  const inText = `{"id":"b\nb","n":1,"more":null}\n`;
  const inArray = `${row('b', '[1\n2]')}\n`;
  const inArrays = `${row('b', '[[{"id":"c"}\n{"id":"d"}]]')}\n`;
  const underTwoNames = `{"id":"b","n":[1\n2],"n":1,"more":null}\n`;
  for (const [why, lines] of [
    ['a newline for a comma between two values', split],
    ['a newline between two values', inSpace],
    ['a newline in a text', inText],
    ['a newline for a comma in an array', inArray],
    ['a newline for a comma deeper in', inArrays],
    ['a newline in a value that another of the same name hides', underTwoNames],
    ['two rows in a line', twice],
    ['two rows in a line, without a comma', `${row('y')}${row('z')}\n`],
    ['a comma at the end of a line', `${row('a')},\n${row('b')}\n`],
    ['a comma at the start of a line', `${row('a')}\n,${row('b')}\n`],
    ['a number between two rows', withNumber],
    ['a bracket behind a row', `${row('a')}]\n[${row('b')}\n`],
    ['no newline between two rows, one too many after', `${row('a')},${row('b')}\n\n`],
    ['an empty line', `${row('a')}\n\n${row('b')}\n`],
    ['a line of spaces', `${row('a')}\n \n`],
    ...[split, inSpace, inText, inArray, inArrays, underTwoNames].flatMap((torn) => [
      ['as many torn lines as lines of two rows', torn + twice] as const,
      ['as many lines of two rows as torn lines', twice + torn] as const,
      ['a torn line and as many values more in another', torn + withNumber] as const,
      ['values more in a line and a torn line', withNumber + torn] as const,
    ]),
  ] as const) {
    it(`do not mask ${why}: ${JSON.stringify(lines)}`, () => {
      assert.equal(typeof read(lines), 'string');
      assertSame(lines);
      assertSame(`${row('before')}\n${lines}${row('after')}\n`);
    });
  }

  it('are judged as JSON.parse judges them line by line, whatever their damage', () => {
    const value = fc.constantFrom(
      ...['null', '[]', '[1,{"id":"x","n":2,"more":[]}]', '"},{"', '{"":{}}'],
    );
    const sound = fc.array(
      fc.tuple(fc.string(), value).map(([id, more]) => row(JSON.stringify(id).slice(1, -1), more)),
      { minLength: 1, maxLength: 6 },
    );
    const part = fc.constantFrom(
      ...['\n', ',', '},{', '{', '}', '[', ']', '"', '\\', ':'],
      ...['0', ' ', ''],
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
          assertSame(`${text}\n`);
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
