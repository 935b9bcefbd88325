import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { PROGRAM, pipelineSchema, THREAD } from '../esbuild.config.ts';
import { startSimulator } from './simulator/index.ts';
import { REPOSITORY } from './support/cli.ts';
import { page } from './support/docs.ts';

const run = promisify(execFile);

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(await page('package.json'));
const packages: Record<string, Locked> = JSON.parse(await page('package-lock.json')).packages;
/** What npm installs along with the program, where it can be had. */
const installed = { ...manifest.dependencies, ...manifest.optionalDependencies };
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('package.json', () => {
  it('pins every dependency exactly', () => {
    const pins = Object.values({ ...installed, ...manifest.devDependencies });
    for (const pin of pins) assert.match(String(pin), /^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  it('has those packages installed along with it that the bundles do not hold, and no other', async () => {
    const bundles = [PROGRAM, THREAD].map((options) =>
      build({ ...options, write: false, metafile: true }),
    );
    const outputs = (await Promise.all(bundles)).flatMap(({ metafile }) =>
      Object.values(metafile?.outputs ?? {}),
    );
    const external = outputs.flatMap(({ imports }) => imports.filter((found) => found.external));
    const wanted = new Set(
      external
        .map(({ path }) => path)
        .filter((path) => !isBuiltin(path) && path !== '<runtime>')
        .map((path) =>
          path
            .split('/')
            .slice(0, path.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    );
    assert.deepEqual(Object.keys(installed).sort(), [...wanted].sort());
  });
});

describe('package-lock.json', () => {
  it('has version and checksum of every package, and no address', () => {
    for (const [path, { version, integrity, resolved }] of locked) {
      assert.ok(version && integrity?.startsWith('sha512-'), path);
      assert.equal(resolved, undefined, path);
    }
  });

  it('has the packages of every platform: without them npm ci fails where one cannot be looked up', () => {
    const names = new Set(locked.map(([path]) => path.replace(/^.*node_modules\//, '')));
    for (const [path, { optionalDependencies = {} }] of locked) {
      for (const name of Object.keys(optionalDependencies)) {
        assert.ok(names.has(name), `${name}, wanted by ${path}`);
      }
    }
  });
});

const LIBRARY = `
import { definePipeline, EXIT, ExportError, REGIONS, runExport, verifySnapshot } from 'pasqal-jobs-export';
const night = definePipeline({ description: 'x', formats: ['ndjson'] });
const [apiUrl = ''] = process.argv.slice(2);
const credentials = { kind: 'none' } as const;
const { folder, manifest } = await runExport({ ...night, apiUrl, credentials, pipeline: 'night' });
const rows: number = manifest.rows;
const wrong = await runExport({ region: 'fr', credentials, pageSize: 1 }).catch((e: unknown) => e);
const refused: boolean = wrong instanceof ExportError && wrong.exitCode === EXIT.usage;
const { problems } = await verifySnapshot(folder);
// @ts-expect-error neither an API nor credentials
runExport({}).catch(() => {});
console.log(JSON.stringify({ rows, refused, problems, url: REGIONS.fr.apiUrl }));
`;

const LICENSES = 'node_modules/pasqal-jobs-export/dist/THIRD-PARTY-LICENSES.txt';

describe('the tarball', () => {
  it('installs into an empty folder, runs, and is a typed library', {
    timeout: 600_000,
  }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'installed-'));
    t.after(() => rm(folder, { recursive: true }));
    const api = await startSimulator({ jobs: 120 });
    t.after(() => api.close());
    // `make test` has built it; packing must not do so beside other tests.
    const packed = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
      { cwd: REPOSITORY },
    );
    const [{ filename }] = JSON.parse(packed.stdout);
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const quietly = ['--prefer-offline', '--no-audit', '--no-fund'];
    try {
      await run('npm', ['install', ...quietly, join(folder, filename)], { cwd: folder });
    } catch (error) {
      const isOut = /ENOTFOUND|ECONN|TIMEDOUT|TIMEOUT|EAI_AGAIN|ENOTCACHED|\bE(?:429|5\d\d)\b/.test(
        String(error),
      );
      if (isOut) return t.skip('the package registry is out of reach');
      throw error;
    }
    const beside = await readdir(join(folder, 'node_modules'));
    for (const name of ['pasqal-jobs-export', ...Object.keys(manifest.dependencies)])
      assert.ok(beside.includes(name.split('/')[0]), name);
    assert.ok(!beside.includes('apache-arrow'), 'what is bundled is not installed');

    const program = join(folder, 'node_modules', '.bin', 'pasqal-jobs');
    const cli = (...args: string[]) => run(program, args, { cwd: folder });
    await writeFile(
      join(folder, 'done.json'),
      JSON.stringify({ description: 'x', formats: ['parquet'] }),
    );
    await cli('export', './done.json', '--api-url', api.url, '--quiet');
    await cli('verify', 'output/done/latest');
    const { stdout } = await cli('status', 'done', '--json');
    assert.equal(JSON.parse(stdout).snapshots[0].rows, 120);

    await writeFile(join(folder, 'use.ts'), LIBRARY);
    await run(
      process.execPath,
      [
        join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc'),
        ...['--strict', '--exactOptionalPropertyTypes', '--target', 'es2022'],
        ...['--module', 'nodenext', '--types', 'node'],
        ...['--typeRoots', join(REPOSITORY, 'node_modules', '@types'), 'use.ts'],
      ],
      { cwd: folder },
    ).catch(({ stdout: problems }) => assert.fail(problems));
    const used = await run(process.execPath, ['use.js', api.url], { cwd: folder });
    assert.deepEqual(JSON.parse(used.stdout), {
      ...{ rows: 120, refused: true, problems: [] },
      url: 'https://apis.pasqal.cloud/core-fast',
    });
    const held = await readFile(join(folder, LICENSES), 'utf8');
    for (const name of ['p-limit', 'apache-arrow', 'hyparquet', 'fzstd']) {
      assert.match(held, new RegExp(`^${name} \\d`, 'm'));
    }
    const installed = join(folder, 'node_modules', 'pasqal-jobs-export');
    const schema = await readFile(join(installed, 'dist', 'pipeline.schema.json'), 'utf8');
    assert.deepEqual(JSON.parse(schema), JSON.parse(JSON.stringify(pipelineSchema())));
  });
});
