// Bundles src/ and pipelines/ into dist/, beside the types: make build. Why bundles: docs/decisions.md, "Start".
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { FILTER_OPTIONS, type Option, type Rows, RUN_OPTIONS } from './src/run/options.ts';

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
  // settings from the package.json above its own files, which in a bundle would be that of any folder one works in;
  // zstd-wasm reads its WebAssembly from the folder it lies in. The types of the library name those of undici and valibot.
  external: [
    'parquetjs-lite/*',
    'yargs',
    'yargs/*',
    '@bokuweb/zstd-wasm',
    'undici',
    'valibot',
    '@duckdb/node-api',
  ],
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

/** JSON Schema of a pipeline file, for editors: `"$schema": ".../pipeline.schema.json"` in `night.json`. */
export function pipelineSchema(): Readonly<Record<string, unknown>> {
  const properties = (table: Rows) =>
    Object.fromEntries(
      Object.entries(table).map(([name, { kind, help }]) => [
        name,
        { ...kind.schema, description: help },
      ]),
    );
  const inFile = Object.entries<Option>(RUN_OPTIONS).filter(([, option]) => option.inFile);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A pipeline of pasqal-jobs-export',
    type: 'object',
    required: ['description'],
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      description: { type: 'string', minLength: 1, description: 'One line for --help' },
      filters: {
        type: 'object',
        additionalProperties: false,
        properties: properties(FILTER_OPTIONS),
      },
      ...properties(Object.fromEntries(inFile)),
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , outdir = 'dist'] = process.argv;
  const results = await Promise.all(
    [PROGRAM, THREAD, PIPELINES].map((bundle) => build({ ...bundle, outdir, metafile: true })),
  );
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}));
  await writeFile(`${outdir}/THIRD-PARTY-LICENSES.txt`, await notices(inputs));
  const schema = `${JSON.stringify(pipelineSchema(), null, 2)}\n`;
  await writeFile(`${outdir}/pipeline.schema.json`, schema);
}
