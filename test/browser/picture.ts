// make picture: docs/report.png, the head of the report of generated jobs.
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runExport } from '../../src/index.ts';
import { nodeEffects } from '../../src/platform/effects.ts';
import { DEFAULT_END } from '../simulator/generate.ts';
import { startSimulator } from '../simulator/index.ts';
import { exportOptions } from '../support/exports.ts';
import { launch, open } from './chromium.ts';

const PICTURE = fileURLToPath(new URL('../../docs/report.png', import.meta.url));
const SIZE = { width: 1280, height: 1180 } as const;

const output = join(tmpdir(), `report-picture-${process.pid}`);
const api = await startSimulator({ jobs: 40_000 });
const browser = await launch();
try {
  const given = exportOptions(api.url, output);
  const formats = ['parquet'] as const;
  // The history of generated jobs ends at a fixed instant: so does the picture.
  const clock = { ...nodeEffects.clock, wall: () => DEFAULT_END / 1000 };
  const options = { ...given, formats, pipeline: 'generated', report: true };
  const { folder } = await runExport(options, { clock });
  const { page } = await open(browser, join(folder, 'report.html'), {
    width: SIZE.width,
    colorScheme: 'light',
  });
  await page.screenshot({ path: PICTURE, fullPage: true, clip: { x: 0, y: 0, ...SIZE } });
  console.log(PICTURE);
} finally {
  await browser.close();
  await api.close();
  await rm(output, { recursive: true, force: true });
}
