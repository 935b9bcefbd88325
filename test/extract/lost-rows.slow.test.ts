import assert from 'node:assert/strict';
import test from 'node:test';
import { Extraction } from '../../src/extract/extraction.ts';
import { ShiftingList, swapAcrossSeams } from '../support/shifting-list.ts';

const JOBS = 1_000_000;

for (const lost of [1, 10]) {
  test(`${lost} rows lost among ties in 1,000,000 jobs are found in at most 70 requests each, and 20`, async (t) => {
    const list = new ShiftingList(JOBS, 1e9, 7);
    const seams = Array.from({ length: lost }, (_, at) => 99 * 300 * (at + 1));
    const extraction = new Extraction({
      reader: {
        fetchPage: swapAcrossSeams(list, seams),
        pageSize: 100,
        readAhead: { windows: 1, bytes: 1e9 },
        signal: new AbortController().signal,
      },
      idPrefix: '',
      emit: () => {},
    });
    let rows = 0;
    for await (const chunk of extraction.chunks()) rows += chunk.rows.length;
    assert.equal(rows, JOBS);
    assert.equal(extraction.completeness?.method, 'counts');
    assert.equal(extraction.completeness?.reconciled?.found, lost);
    const requests = extraction.completeness?.reconciled?.requests ?? 0;
    t.diagnostic(`lost ${lost}: ${requests} requests, allowed ${70 * lost + 20}`);
    assert.ok(requests <= 70 * lost + 20, `${requests} requests`);
  });
}
