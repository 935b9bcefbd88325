// make build: bundles src/ and pipelines/ into dist/, beside the types. Why bundles: docs/decisions.md, "Start".
import { readdir } from 'node:fs/promises';
import { type BuildOptions, build } from 'esbuild';
import { PLUGINS } from './plugins.ts';

const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  outdir: 'dist',
  outbase: '.',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  logLevel: 'warning',
  plugins: PLUGINS,
  // By this CommonJS packages load the modules of Node.js.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
} as const satisfies BuildOptions;

const pipelines = (await readdir('pipelines')).filter((name) => name.endsWith('.ts'));

await Promise.all([
  // Command line and library share what they load on demand. The shared files lie as deep as the sources they are made
  // of, so that paths from `import.meta.url` hold in both.
  build({
    ...OPTIONS,
    entryPoints: ['src/cli/main.ts', 'src/index.ts'],
    splitting: true,
    chunkNames: 'src/shared/[name]-[hash]',
  }),
  // A thread loads one file.
  build({
    ...OPTIONS,
    entryPoints: ['src/load/worker.ts', 'src/publish/read-back-worker.ts'],
  }),
  build({ ...OPTIONS, entryPoints: pipelines.map((name) => `pipelines/${name}`) }),
]);
