import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/**
 * Leaves out what undici loads for every client and this program cannot reach: HTTP/2, which a pool speaks only if told
 * to, and fetch, which makes a stream of bodies that are neither text nor bytes.
 */
const withoutUnused: Plugin = {
  name: 'without-unused',
  setup({ onLoad }) {
    const filter = /\/undici\/lib\/(?:dispatcher\/client-h2|web\/fetch\/body)\.js$/;
    onLoad({ filter }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** Gives yargs lighter stand-ins for two packages; the files tell why. */
const lighterYargs: Plugin = {
  name: 'lighter-yargs',
  setup({ onResolve }) {
    onResolve({ filter: /^(?:string-width|escalade\/sync)$/ }, ({ path, importer }) => {
      if (!/\/node_modules\/(?:yargs|cliui|wrap-ansi)\//.test(importer)) return undefined;
      const file = path === 'string-width' ? 'string-width.ts' : 'find-up.ts';
      return { path: fileURLToPath(new URL(file, import.meta.url)) };
    });
  },
};

/** `new Buffer()` as Node.js defines it. */
const NEW_BUFFER =
  "const newBuffer = (of, ...how) => typeof of === 'number' ? Buffer.alloc(of) : Buffer.from(of, ...how);";

/**
 * Makes parquetjs-lite fit to be bundled: it leaves variables undeclared, which an ES module does not allow, and calls
 * `new Buffer()`, of which Node.js warns wherever it finds it outside of node_modules.
 */
const newerParquetjs: Plugin = {
  name: 'newer-parquetjs',
  setup({ onLoad }) {
    const filter = /\/(?:parquetjs-lite\/(?:gen-nodejs|modules)|node-int64)\/.*\.js$/;
    onLoad({ filter }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const undeclared = [...source.matchAll(/^(\w+) = /gm)].map(([, name]) => `var ${name};`);
      const head = [NEW_BUFFER, ...undeclared].join(' ');
      return { contents: `${head} ${source.replaceAll('new Buffer(', 'newBuffer(')}` };
    });
  },
};

export const PLUGINS = [withoutUnused, lighterYargs, newerParquetjs];
