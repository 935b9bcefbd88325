// make test-browser: pages of generated and of hostile jobs, looked at in a real browser.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { AS_OF, type Change, generatedRows, pageOf, type Row, ZONE } from '../report/generated.ts';
import { groupBy, isRecent, localParts } from '../report/oracle.ts';
import { temporaryFolder } from '../support/exports.ts';
import { launch, open } from './chromium.ts';

const IN_PAGE = await readFile(new URL('in-page.js', import.meta.url), 'utf8');
const HOSTILE = `<script>alert(1)</script></style><h1>"'&lt;\u202eright to left${'x'.repeat(1_000_000)}`;

const generated = generatedRows(3000, 5);
const hostile: readonly Row[] = generatedRows(300, 6).map((row, at) => ({
  ...row,
  created_at: AS_OF - at * 3_600_000,
  ...{ id: `${at}${HOSTILE.slice(0, 300)}`, batch_id: '"><svg onload=alert(2)>' },
  project_id: at % 2 === 0 ? HOSTILE.slice(0, 5000) : `\u202e${'W'.repeat(300)}`,
  status: at % 3 === 0 ? '</td></table><img src=x onerror=alert(3)>' : row.status,
  errors: at < 3 ? [HOSTILE] : [`${at}<b>`, '\u2067isolate'],
  anomalies: ['<i>odd'],
}));
const changes: readonly Change[] = [
  { change: 'updated', previous_status: '<u>', id: 'a', status: HOSTILE, created_at: AS_OF },
];

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

async function written(t: TestContext, rows: readonly Row[]): Promise<string> {
  const path = join(await temporaryFolder(t), 'report.html');
  const rejects = [{ reason: '<q>', raw: HOSTILE }];
  await writeFile(path, await pageOf(t, rows, { changes, rejects }));
  return path;
}

/** Calls a function of in-page.js. */
function ask<T>(page: Page, call: string): Promise<T> {
  return page.evaluate<T>(`${IN_PAGE.trim().replace(/;$/, '')}.${call}`);
}

const WIDTHS = [1440, 390] as const;

for (const [what, rows] of [
  ['generated', generated],
  ['hostile', hostile],
  ['one job', generated.slice(0, 1)],
  ['no job', []],
] as const) {
  describe(`the page of ${what}`, () => {
    for (const width of WIDTHS) {
      for (const colorScheme of ['light', 'dark'] as const) {
        it(`${width} pixels, ${colorScheme}`, async (t) => {
          const { page, complaints } = await open(browser, await written(t, rows), {
            width,
            colorScheme,
          });
          t.after(() => page.close());
          assert.deepEqual(complaints, []);
          assert.deepEqual(await ask(page, 'overflowing()'), []);
          assert.equal(await ask(page, 'foreign()'), 0, 'data became markup');
          await page.evaluate(axe.source);
          assert.deepEqual(await ask(page, 'violations()'), []);
        });
      }
    }
  });
}

describe('the charts', () => {
  it('have their marks, at both widths', async (t) => {
    const path = await written(t, generated);
    for (const width of WIDTHS) {
      const { page } = await open(browser, path, { width, colorScheme: 'light' });
      t.after(() => page.close());
      const charts = await ask<{ id: string; marks: number; least: number }[]>(page, 'charts()');
      assert.equal(charts.length, 16);
      for (const { id, marks, least } of charts) {
        assert.ok(marks > 0, `${id} is empty`);
        assert.ok(least > 9, `${id} has texts ${least} pixels high`);
      }
    }
  });

  it('draw the numbers of the raw jobs', async (t) => {
    const { page } = await open(browser, await written(t, generated), {
      width: 1440,
      colorScheme: 'light',
    });
    t.after(() => page.close());
    const found = await ask<{ rows: string[][]; heights: number[] }>(page, `bars('jobs-recent')`);
    const recent = generated.filter(({ created_at }) => isRecent(created_at));
    const days = groupBy(recent, ({ created_at }) => localParts(created_at, ZONE).date);
    const counts = found.rows.map(
      ([day = '']) => (days.get(day) ?? []).filter(({ status }) => status === 'DONE').length,
    );
    assert.deepEqual(
      found.rows.map(([, done]) => Number(done)),
      counts,
    );
    const most = Math.max(...counts);
    const highest = Math.max(...found.heights);
    assert.equal(found.heights.length, counts.length);
    for (const [at, height] of found.heights.entries()) {
      assert.ok(Math.abs(height / highest - (counts[at] ?? 0) / most) < 0.02);
    }
  });
});
