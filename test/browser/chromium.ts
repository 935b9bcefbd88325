import { type Browser, chromium, type Page } from 'playwright-core';

/** Starts the Chromium that `test/browser/run` found. Its sandbox does not work for root, as in containers. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? 'chromium',
    args: ['--no-sandbox'],
  });
}

/** Opens a file. @returns also what it wrote to the console, and what it asked for beside itself */
export async function open(
  browser: Browser,
  path: string,
  options: { readonly width: number; readonly colorScheme: 'light' | 'dark' },
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const { width, colorScheme } = options;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  const url = `file://${path}`;
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== url) complaints.push(`request of ${request.url().slice(0, 100)}`);
  });
  await page.goto(url);
  return { page, complaints };
}
