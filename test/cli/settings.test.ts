import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_FLAGS } from '../../src/cli/commands.ts';
import { type Flag, variableOf, withDefault } from '../../src/cli/flag.ts';
import { integer, switched, texts } from '../../src/cli/kinds.ts';
import { refuseUnknownVariables, settingsOf } from '../../src/cli/settings.ts';
import { ExportError } from '../../src/platform/errors.ts';

const SIZE = withDefault(
  { name: 'page-size', group: 'Server', kind: integer(2, 100), description: '' },
  '50',
);
const STATUS: Flag<readonly string[]> = {
  name: 'status',
  group: 'Which jobs',
  kind: texts,
  description: '',
};
const ERRORS: Flag<boolean> = {
  name: 'errors',
  group: 'Which jobs',
  kind: switched,
  description: '',
};

describe('a setting', () => {
  const environment = { PASQAL_JOBS_PAGE_SIZE: '20' };
  const cases = [
    ['flag over environment', { 'page-size': '10' }, environment, 10],
    ['environment over pipeline', {}, environment, 20],
    ['pipeline over default', {}, {}, 30],
    ['an empty variable is none', {}, { PASQAL_JOBS_PAGE_SIZE: '' }, 30],
    ['of two flags the last', { 'page-size': ['10', '11'] }, environment, 11],
  ] as const;
  for (const [why, given, env, expected] of cases) {
    it(`is found: ${why}`, () => {
      assert.equal(settingsOf(given, env, 'help').resolve(SIZE, 30), expected);
    });
  }

  it('falls back on the default', () => {
    assert.equal(settingsOf({}, {}, 'help').resolve(SIZE), 50);
  });

  it('may be a list, from flags that add up or a comma-separated variable', () => {
    const { get } = settingsOf({ status: ['A,B', 'C'] }, {}, 'help');
    assert.deepEqual(get(STATUS), ['A', 'B', 'C']);
    assert.deepEqual(settingsOf({}, { PASQAL_JOBS_STATUS: 'A,B' }, 'help').get(STATUS), ['A', 'B']);
  });

  it('has three states when it is a switch', () => {
    assert.equal(settingsOf({}, {}, 'help').get(ERRORS), undefined);
    assert.equal(settingsOf({ errors: false }, {}, 'help').get(ERRORS), false);
    assert.equal(settingsOf({}, { PASQAL_JOBS_ERRORS: 'true' }, 'help').get(ERRORS), true);
    assert.equal(
      settingsOf({ errors: false }, { PASQAL_JOBS_ERRORS: 'true' }, 'help').get(ERRORS),
      false,
    );
  });

  it('is refused by the name it came under, with what was given and what may be', () => {
    const fromFlag = settingsOf({ 'page-size': '500' }, {}, 'x --help');
    const fromVariable = settingsOf({}, { PASQAL_JOBS_PAGE_SIZE: 'many' }, 'x --help');
    const message = (name: string, got: string) =>
      `${name}: expected a whole number from 2 to 100, got '${got}'; see x --help`;
    assert.throws(() => fromFlag.get(SIZE), { message: message('--page-size', '500') });
    assert.throws(() => fromVariable.get(SIZE), {
      message: message('PASQAL_JOBS_PAGE_SIZE', 'many'),
      exitCode: 64,
    });
  });

  it('is repeated on one printable line, cut short', () => {
    const { get } = settingsOf({ 'page-size': `\n\u001b[31m${'x'.repeat(1000)}` }, {}, 'help');
    assert.throws(
      () => get(SIZE),
      ({ message }: Error) => message.length < 250 && /^[ -~]+$/.test(message),
    );
  });
});

describe('variables', () => {
  it('exist for every flag', () => {
    const names = ALL_FLAGS.map(variableOf);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('PASQAL_JOBS_ID_STARTS_WITH'));
    refuseUnknownVariables(Object.fromEntries(names.map((name) => [name, 'x'])), ALL_FLAGS);
  });

  it('are refused when no flag is called so, by name and without the value', () => {
    const refusal = (name: string) => {
      try {
        refuseUnknownVariables({ [name]: 'value', HOME: '/' }, ALL_FLAGS);
      } catch (error) {
        assert.ok(error instanceof ExportError && error.exitCode === 64);
        assert.doesNotMatch(error.message, /value/);
        return error.message;
      }
      return assert.fail(`${name} was accepted`);
    };
    assert.match(refusal('PASQAL_JOBS_PAGESIZE'), /; did you mean PASQAL_JOBS_PAGE_SIZE\?$/);
    assert.match(refusal('PASQAL_JOBS_XYZZY'), /^PASQAL_JOBS_XYZZY: no such variable; unset it/);
  });
});
