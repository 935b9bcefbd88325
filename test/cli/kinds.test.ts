import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  choice,
  choices,
  dateTime,
  duration,
  integer,
  type Kind,
  switched,
  text,
  texts,
} from '../../src/cli/kinds.ts';

function accepts<T>(kind: Kind<T>, given: string, value: T): void {
  it(`reads ${JSON.stringify(given)}`, () => assert.deepEqual(kind.parse([given]), value));
}

function refuses(kind: Kind<unknown>, ...given: string[]): void {
  for (const one of given) {
    it(`refuses ${JSON.stringify(one)}`, () => assert.equal(kind.parse([one]), undefined));
  }
}

describe('a whole number', () => {
  const kind = integer(2, 100);
  accepts(kind, '2', 2);
  accepts(kind, '100', 100);
  refuses(kind, '1', '101', '', ' 5', '5.0', '1e1', '0x10', '-5', 'NaN', '99999999999999999999');

  it('is read exactly as it is written, up to the largest safe one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        assert.equal(integer(0).parse([String(value)]), value);
      }),
    );
    assert.equal(integer(0).parse(['9007199254740993']), undefined);
  });
});

describe('a switch', () => {
  accepts(switched, 'true', true);
  accepts(switched, '1', true);
  accepts(switched, 'false', false);
  accepts(switched, '0', false);
  refuses(switched, '', 'yes', 'TRUE', '2');
});

describe('a list', () => {
  accepts(texts, 'DONE', ['DONE']);
  accepts(texts, 'DONE, ERROR', ['DONE', 'ERROR']);
  refuses(texts, '', ',', 'DONE,', 'DONE,,ERROR');
  it('adds up over repeated flags and keeps the first of equals', () => {
    assert.deepEqual(texts.parse(['a,b', 'b,c']), ['a', 'b', 'c']);
  });
});

describe('a choice', () => {
  accepts(choice(['fr', 'sa']), 'sa', 'sa');
  refuses(choice(['fr', 'sa']), 'FR', 'eu', '');
  accepts(choices(['parquet', 'arrow']), 'arrow,parquet,arrow', ['arrow', 'parquet']);
  refuses(choices(['parquet', 'arrow']), 'csv', 'arrow,csv', '');
});

describe('a text', () => {
  accepts(text(), 'x', 'x');
  refuses(text(), '');
});

describe('a length of time', () => {
  const kind = duration('1s', '24d');
  accepts(kind, '90s', 90_000);
  accepts(kind, '24d', 2_073_600_000);
  refuses(kind, '999ms', '25d', '90', '');
});

describe('a date', () => {
  accepts(dateTime, '2026-01-31', '2026-01-31T00:00:00Z');
  accepts(dateTime, '2026-01-31T18:00:00', '2026-01-31T18:00:00');
  accepts(dateTime, '2026-01-31T18:00:00.123456+02:00', '2026-01-31T18:00:00.123456+02:00');
  refuses(dateTime, '2026-02-30', '31.01.2026', 'yesterday', '1769882400', '2026-01-31 18:00', '');
});
