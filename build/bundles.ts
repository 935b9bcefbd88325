import { readdirSync } from 'node:fs';
import type { BuildOptions } from 'esbuild';
import { PLUGINS } from './plugins.ts';

const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  outdir: 'dist',
  outbase: '.',
  sourcemap: true,
  // A stack needs names and lines only.
  sourcesContent: false,
  logLevel: 'warning',
  plugins: PLUGINS,
  // By this CommonJS packages load the modules of Node.js.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
} satisfies BuildOptions;

/**
 * Command line and library, which share what they load on demand. The shared files lie as deep as the sources they are
 * made of, so that paths from `import.meta.url` hold in both.
 */
export const PROGRAM = {
  ...OPTIONS,
  entryPoints: ['src/cli/main.ts', 'src/index.ts'],
  splitting: true,
  chunkNames: 'src/shared/[name]-[hash]',
} satisfies BuildOptions;

/** A thread loads one file. */
export const THREADS = {
  ...OPTIONS,
  entryPoints: ['src/load/worker.ts', 'src/publish/read-back-worker.ts'],
} satisfies BuildOptions;

/** Found by name at run time: a file each. */
export const PIPELINES = {
  ...OPTIONS,
  entryPoints: readdirSync('pipelines')
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `pipelines/${name}`),
} satisfies BuildOptions;
