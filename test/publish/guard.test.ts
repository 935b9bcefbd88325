import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guardShrink, sameExport } from '../../src/publish/guard.ts';
import { sampleManifest } from './sample.ts';

describe('the guard against a list that shrank', () => {
  const limits = { maxShrink: 0.2, allowShrink: false };
  const previous = sampleManifest({ rows: 1000 });

  for (const rows of [800, 1000, 5000]) {
    it(`lets ${rows} of 1,000 rows pass`, () => {
      assert.equal(guardShrink(previous, rows, limits), undefined);
    });
  }

  for (const [rows, limit] of [
    [799, 0.2],
    [0, 0.2],
    [0, 1],
  ] as const) {
    it(`stops ${rows} of 1,000 rows at ${limit} with 65, both counts and what to do`, () => {
      const error = guardShrink(previous, rows, { ...limits, maxShrink: limit });
      assert.deepEqual([error?.exitCode, error?.retryable], [65, false]);
      const message = new RegExp(`found ${rows} jobs, .* has 1,000 jobs.*--allow-shrink`);
      assert.match(error?.message ?? '', message);
    });
  }

  it('tells the limit as it was given', () => {
    for (const percent of [7, 29, 12.5, 100]) {
      const error = guardShrink(previous, 0, { ...limits, maxShrink: percent / 100 });
      assert.ok(error?.message.includes(`--max-shrink ${percent}% lets pass`), error?.message);
    }
  });

  it('is silent without a snapshot before, when told to let it pass, or without a limit', () => {
    assert.equal(guardShrink(undefined, 0, limits), undefined);
    assert.equal(guardShrink(previous, 0, { ...limits, allowShrink: true }), undefined);
    assert.equal(guardShrink(previous, 0, { ...limits, maxShrink: undefined }), undefined);
    assert.equal(guardShrink(sampleManifest({ rows: 0 }), 0, limits), undefined);
  });
});

describe('the guard against two exports in one folder', () => {
  const { apiUrl, filters } = sampleManifest();
  const previous = sampleManifest({ account: 'a1' });

  it('lets the same export pass, its filters in any order, its account known or not', () => {
    const turned = Object.fromEntries(Object.entries(filters).reverse());
    assert.equal(sameExport(previous, { apiUrl, account: 'a1', filters: turned }), undefined);
    assert.equal(sameExport(previous, { apiUrl, filters }), undefined);
    assert.equal(sameExport(sampleManifest(), { apiUrl, account: 'b', filters }), undefined);
    assert.equal(
      sameExport(
        { ...previous, without: ['runs', 'sequence'] },
        { apiUrl, filters, without: ['sequence', 'runs'] },
      ),
      undefined,
    );
    assert.equal(sameExport(undefined, { apiUrl: 'x', filters: {} }), undefined);
  });

  const others: [Parameters<typeof sameExport>[1], RegExp][] = [
    [{ apiUrl: 'https://x', filters }, /other API \(https:\/\/api\.example\/core there/],
    [{ apiUrl, account: 'b', filters }, /other account\. /],
    [{ apiUrl, filters: { ...filters, status: ['ERROR'] } }, /other filters\. /],
    [{ apiUrl, filters, without: ['sequence'] }, /other columns\. /],
    [{ apiUrl: 'https://x', filters: {} }, /other API .* and filters\. .*--as <name>.*--replace/],
  ];
  for (const [other, message] of others) {
    it(`stops another one with 64: ${message.source}`, () => {
      const error = sameExport(previous, other);
      assert.equal(error?.exitCode, 64);
      assert.match(error?.message ?? '', message);
    });
  }
});
