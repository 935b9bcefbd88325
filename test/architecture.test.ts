import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { STAGES, violations } from './support/architecture.ts';
import { importsOf } from './support/imports.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

async function filesUnder(folder: string): Promise<string[]> {
  const names = await readdir(`${ROOT}${folder}`, { recursive: true });
  return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`);
}

describe('the rules of the design', () => {
  it('hold in every source file', async () => {
    const paths = [...(await filesUnder('src')), ...(await filesUnder('pipelines'))];
    const sources = await Promise.all(
      paths.map(async (path) => [path, await readFile(`${ROOT}${path}`, 'utf8')] as const),
    );
    assert.deepEqual(
      sources.flatMap(([path, source]) => violations(path, source)),
      [],
    );
  });

  it('cover every folder of src/', async () => {
    const entries = await readdir(`${ROOT}src`, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual(folders.sort(), [...STAGES, 'cli', 'jobs', 'json', 'platform', 'run'].sort());
  });

  it('keep test files short too', async () => {
    for (const path of await filesUnder('test')) {
      const lines = (await readFile(`${ROOT}${path}`, 'utf8')).trimEnd().split('\n').length;
      assert.ok(lines <= 400, `${path} has ${lines} lines`);
    }
  });
});

describe('the check of the rules', () => {
  const broken: readonly (readonly [why: string, path: string, source: string])[] = [
    ['a stage imports another', 'src/load/a.ts', "import { x } from '../extract/x.ts';"],
    ['so does a type', 'src/load/a.ts', "import type { X } from '../publish/x.ts';"],
    ['so does a re-export', 'src/load/a.ts', "export { x } from '../extract/x.ts';"],
    ['so does an import over lines', 'src/load/a.ts', "import {\n  x,\n} from '../cli/x.ts';"],
    ['so does one on demand', 'src/load/a.ts', "const x = await import('../transform/x.ts');"],
    ['a stage imports the joint', 'src/publish/a.ts', "import { runExport } from '../index.ts';"],
    ['the jobs table imports a stage', 'src/jobs/a.ts', "import { x } from '../load/x.ts';"],
    ['a pipeline imports a stage', 'pipelines/a.ts', "import { x } from '../src/load/x.ts';"],
    ['the joint imports the command line', 'src/index.ts', "import { x } from './cli/x.ts';"],
    ['the command line reaches into a stage', 'src/cli/a.ts', "import('../extract/x.ts');"],
    ['the product imports a test', 'src/cli/a.ts', "import { x } from '../../test/x.ts';"],
    ['a stage imports a part of the joint', 'src/publish/a.ts', "import('../run/x.ts');"],
    ['undici outside extract', 'src/index.ts', "import { Pool } from 'undici';"],
    ['a part of it too', 'src/load/a.ts', "import type { X } from 'undici/types';"],
    ['p-limit outside extract', 'src/load/a.ts', "import limit from 'p-limit';"],
    ['the Parquet writer elsewhere', 'src/load/arrow.ts', "import p from 'parquetjs-lite';"],
    ['http of Node.js, in a stage', 'src/extract/a.ts', "import http from 'node:http';"],
    ['the environment', 'src/extract/a.ts', 'const x = process.env.HOME;'],
    ['the exit code', 'src/index.ts', 'process.exitCode = 1;'],
    ['the process by import', 'src/index.ts', "import { env } from 'node:process';"],
    ['the console', 'src/load/a.ts', "console.log('x');"],
    ['inside a template', 'src/load/a.ts', `const x = \`\${process.argv[2]}\`;`],
    ['a slow start', 'src/cli/a.ts', "import { runExport } from '../index.ts';"],
    ['a slow start by package', 'src/cli/a.ts', "import * as a from 'apache-arrow';"],
    ['a long file', 'src/load/a.ts', 'x;\n'.repeat(401)],
  ];
  for (const [why, path, source] of broken) {
    it(`refuses: ${why}`, () => assert.equal(violations(path, source).length, 1));
  }

  const fine: readonly (readonly [why: string, path: string, source: string])[] = [
    ['a stage and its own files', 'src/load/a.ts', "import { x } from './x.ts';"],
    ['a stage and the jobs table', 'src/load/a.ts', "import { x } from '../jobs/x.ts';"],
    ['the joint and a stage', 'src/index.ts', "import { x } from './load/x.ts';"],
    ['the command line on demand', 'src/cli/a.ts', "const x = () => import('../index.ts');"],
    ['a type at start-up', 'src/cli/a.ts', "import type { X } from '../index.ts';"],
    ['a word in a comment', 'src/load/a.ts', '// never console.log, never process.env'],
    ['a word in a string', 'src/load/a.ts', "const x = 'process.env';"],
    ['other parts of the process', 'src/store/a.ts', 'const x = process.pid;'],
    ['a quote inside a comment', 'src/load/a.ts', "// don't\nimport { x } from './x.ts';"],
  ];
  for (const [why, path, source] of fine) {
    it(`accepts: ${why}`, () => assert.deepEqual(violations(path, source), []));
  }

  it('sees every way to import', () => {
    const source = `import a from 'a';
      import { type B } from 'b';
      import type { C } from 'c';
      export * from 'd';
      import 'e';
      const f = await import('f');
      let g: typeof import('g');
      // import h from 'h';`;
    assert.deepEqual(
      importsOf(source)
        .map(({ specifier, kind }) => `${specifier} ${kind}`)
        .sort(),
      ['a static', 'b static', 'c type', 'd static', 'e static', 'f dynamic', 'g type'],
    );
  });
});
