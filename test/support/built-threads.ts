import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads, { type WorkerOptions } from 'node:worker_threads';

/**
 * Preloaded by `make test`, which builds first: threads run what is built, as for people, and not the sources, which
 * take four times as long to start, for each file of each export. Who tests without `make` tests the sources in threads
 * too, and test/load/thread-sources.test.ts always does.
 */
const SOURCE = /"file:[^"]*\/(src\/[^"]+)\.ts"/;
const dist = new URL('../../dist/src/index.js', import.meta.url);
const [, build = ''] = /"(.*)\/src\/index\.js"/.exec(readFileSync(dist, 'utf8')) ?? [];

const { Worker } = threads;

threads.Worker = class extends Worker {
  constructor(script: string | URL, options: WorkerOptions = {}) {
    const [, module] = (options.eval && SOURCE.exec(String(script))) || [];
    if (module === undefined) super(script, options);
    else super(new URL(`${build}/${module}.js`, dist), { ...options, eval: false, execArgv: [] });
  }
};
syncBuiltinESMExports();
