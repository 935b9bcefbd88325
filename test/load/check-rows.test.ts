import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { checkFile } from '../../src/load/check.ts';
import { ExportError } from '../../src/platform/errors.ts';

const COLUMNS = [
  { name: 'id', type: 'string', required: true },
  { name: 'n', type: 'int64', required: false },
  { name: 'more', type: 'any', required: false },
];

let path = '';
before(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'check-rows-')), 'jobs.ndjson');
});
after(() => rm(dirname(path), { recursive: true, force: true }));

const row = (id: string, more = 'null') => `{"id":"${id}","n":1,"more":${more}}`;

/** @returns the checksum of the ids, or what is wrong */
async function read(lines: string, columns = COLUMNS): Promise<string> {
  await writeFile(path, lines);
  try {
    return (await checkFile(path, 'ndjson', columns)).idChecksum;
  } catch (thrown) {
    assert.ok(thrown instanceof ExportError);
    return thrown.message.replace(/^.* is damaged: /, '');
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

function checksum(ids: readonly string[]): string {
  return createHash('sha256')
    .update(ids.map((id) => `${id}\n`).join(''))
    .digest('hex');
}

function idOf(line: string): string | undefined {
  try {
    const value = JSON.parse(line);
    const isRow = Object.keys(value).join() === 'id,n,more' && typeof value.id === 'string';
    // Nothing is written between tokens; what stands in a value of no known type may be anything in one line.
    const start = /^\{"id":"(?:\\.|[^"\\])*","n":(?:null|-?\d+),"more":(?!\s).*(?<!\s)\}$/.test(
      line,
    );
    return isRow && start && (value.n === null || Number.isInteger(value.n)) ? value.id : undefined;
  } catch {
    return undefined;
  }
}

async function assertSame(lines: string): Promise<void> {
  const [found, expected] = [await read(lines), parsed(lines)];
  if (typeof expected !== 'number') assert.equal(found, checksum(expected));
  else assert.match(found, new RegExp(`^line ${expected} (is no|has|lacks) `));
}

describe('rows of NDJSON', () => {
  it('have ids, in order', async () => {
    assert.equal(await read(`${row('a')}\n${row('b', '[1,{"id":"x"}]')}\n`), checksum(['a', 'b']));
    const escaped = JSON.stringify('\né\u{1f600}').slice(1, -1);
    assert.equal(await read(`${row(escaped)}\n`), checksum(['\né\u{1f600}']));
    assert.equal(await read(''), checksum([]));
  });

  it('have nothing between their tokens', async () => {
    const line = row('a');
    for (const [i, byte] of [...line].entries())
      if ('{":,}'.includes(byte) && !/\w/.test(line[i - 1] ?? ''))
        assert.match(await read(`${line.slice(0, i)} ${line.slice(i)}\n`), /^line 1 (is no|has) /);
    assert.match(await read(`${line}\t\n`), /^line 1 has white space between its values/);
    assert.match(await read(`${line}\r\n`), /^line 1 has white space between its values/);
  });

  it('are counted over all lines of the file', async () => {
    const many = `${row('a')}\n`.repeat(20_000);
    assert.equal(await read(`${many}${row('d')}}\n`), 'line 20001 is no JSON object');
  });

  it('have values of the kinds of their columns', async () => {
    for (const [type, sound, wrong] of [
      ['string', ['""', '"\\u0041"'], ['1', 'true', '[]', '{}']],
      ['int64', ['0', '-1', '9223372036854775807'], ['1.5', '1e3', '"1"', 'true', '[]', '{}']],
      ['float64', ['0', '-1', '1.5', '1e400'], ['"1"', 'true', '[]', '{}']],
      ['bool', ['true', 'false'], ['0', '"true"', '[]', '{}']],
      ['strings', ['[]', '["a",null]'], ['[1]', '[["a"]]', '"a"', '{}', '0']],
      ['json', ['""', '"[1]"'], ['0', '[]', '{}', 'true']],
      ['any', ['0', '"a"', '[]', '{}', 'true'], []],
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
      for (const value of sound)
        assert.equal(await judge(value, true), checksum(['a']), `${type} ${value}`);
      for (const value of wrong)
        assert.equal(await judge(value, true), 'line 1 has a wrong value in v');
      assert.equal(await judge('null', false), checksum(['a']));
      const ofNull = type === 'any' ? checksum(['a']) : 'line 1 has a wrong value in v';
      assert.equal(await judge('null', true), ofNull);
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
    it(`do not mask ${why}: ${JSON.stringify(lines)}`, async () => {
      assert.match(await read(lines), /^line /);
      await assertSame(lines);
      await assertSame(`${row('before')}\n${lines}${row('after')}\n`);
    });
  }

  it('are judged as JSON.parse judges them line by line, whatever their damage', async () => {
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
    await fc.assert(
      fc.asyncProperty(
        sound,
        fc.array(damage, { maxLength: 3 }),
        fc.array(newlines, { maxLength: 2 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        async (rows, damages, joined, torn) => {
          let text = rows.join('\n');
          for (const { at, cut, part } of damages)
            text = replaced(text, at % (text.length + 1), cut, part);
          for (const at of torn) text = replaced(text, nth(text, ',', at), 1, '\n');
          for (const { at, to } of joined) text = replaced(text, nth(text, '\n', at), 1, to);
          await assertSame(`${text}\n`);
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
