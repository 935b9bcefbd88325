// Bundles src/ and pipelines/ into dist/, beside the types: make build. Why bundles: docs/decisions.md, "Start".
import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

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
  // Loaded from node_modules. parquetjs-lite leaves variables undeclared, which an ES module does not allow; yargs takes
  // settings from the package.json above its own files, which in a bundle would be that of any folder one works in.
  external: ['parquetjs-lite/*', 'yargs', 'yargs/*'],
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

/** The thread loads one file. */
export const THREAD = {
  ...OPTIONS,
  entryPoints: ['src/load/worker.ts'],
} satisfies BuildOptions;

/** Found by name at run time: a file each. */
export const PIPELINES = {
  ...OPTIONS,
  entryPoints: readdirSync('pipelines')
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `pipelines/${name}`),
} satisfies BuildOptions;

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await Promise.all([PROGRAM, THREAD, PIPELINES].map((bundle) => build(bundle)));
