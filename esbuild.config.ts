// Bundles src/ and pipelines/ into dist/, beside the types: make build. Why bundles: docs/decisions.md, "Start".
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { pipelineSchema } from './src/run/options.ts';

/**
 * Stand-ins for two packages that yargs loads. `escalade/sync` looks for the package.json of the program, and yargs
 * takes settings from it; out of a bundle it would find the one of the folder that somebody happens to work in.
 * `string-width` compiles tables of every emoji when it is loaded, which takes longer than loading all else that
 * `--help` needs; printable text without East Asian characters and emoji is as wide as it has code points.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  'escalade/sync': "export default () => '';",
  'string-width': 'export default (text) => [...text].length;',
};

const lighterYargs: Plugin = {
  name: 'lighter-yargs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:string-width|escalade\/sync)$/ }, ({ path, importer }) => {
      const isForYargs = /\/node_modules\/(?:yargs|cliui|wrap-ansi)\//.test(importer);
      return isForYargs ? { path, namespace: 'stand-in' } : undefined;
    });
    onLoad({ filter: /./, namespace: 'stand-in' }, ({ path }) => ({
      contents: STAND_INS[path] ?? '',
    }));
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
  // It reads its WebAssembly from the folder it lies in.
  external: ['@bokuweb/zstd-wasm'],
  plugins: [lighterYargs, newerParquetjs],
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

/**
 * The licences of the packages that bundles hold, which ask to be handed on with them.
 *
 * @param inputs paths of the sources of the bundles
 */
async function notices(inputs: readonly string[]): Promise<string> {
  const folders = new Set(
    inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const texts = [...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
    const text = file === undefined ? '' : await readFile(`${folder}/${file}`, 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , outdir = 'dist'] = process.argv;
  const results = await Promise.all(
    [PROGRAM, THREADS, PIPELINES].map((bundle) => build({ ...bundle, outdir, metafile: true })),
  );
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
  await writeFile(`${outdir}/THIRD-PARTY-LICENSES.txt`, await notices(inputs));
  const schema = `${JSON.stringify(pipelineSchema(), null, 2)}\n`;
  await writeFile(`${outdir}/pipeline.schema.json`, schema);
}
