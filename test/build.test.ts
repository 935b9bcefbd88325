import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build, type Metafile } from 'esbuild';
import { PROGRAM } from '../esbuild.config.ts';
import { program } from './support/cli.ts';
import { page } from './support/docs.ts';
import { packageOf } from './support/imports.ts';
import { ended, start } from './support/process.ts';

const { metafile } = await build({ ...PROGRAM, write: false, metafile: true });
const byEntry = new Map(
  Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [entryPoint, path]),
);

/** The sources of everything that is loaded along with the bundles of some entry points. */
function loadedWith(...entries: readonly string[]): string[] {
  const paths = new Set(entries.map((entry) => byEntry.get(entry) ?? assert.fail(entry)));
  for (const path of paths) {
    for (const found of output(path).imports) {
      if (found.kind !== 'dynamic-import' && !found.external) paths.add(found.path);
    }
  }
  return [...paths].flatMap((path) => Object.keys(output(path).inputs));
}

function output(path: string): Metafile['outputs'][string] {
  return metafile.outputs[path] ?? assert.fail(path);
}

function packages(sources: readonly string[]): string[] {
  const names = sources.map((path) => path.split('node_modules/').at(-1) ?? '');
  const inPackages = names.filter((name, at) => name !== sources[at]);
  return [...new Set(inPackages.map(packageOf))].sort();
}

describe('the built program', () => {
  it('bundles one small package for --help, and no stage', () => {
    const sources = loadedWith('src/cli/start.ts', 'src/cli/program.ts');
    assert.deepEqual(packages(sources), ['leven']);
    const own = sources.filter((path) => path.startsWith('src/'));
    assert.deepEqual(
      own.filter(
        (path) =>
          !/^src\/(?:cli|jobs|json|platform|run\/(?:values|options|check-options))\b/.test(path),
      ),
      [],
    );
  });

  it('loads what an export needs up to its first request, and none of the heavy packages', () => {
    const sources = loadedWith('src/cli/start.ts', 'src/cli/program.ts', 'src/index.ts');
    assert.deepEqual(packages(sources), ['leven', 'p-limit', 'yocto-queue']);
  });

  it('shows the help that the sources show', async () => {
    for (const args of [['--help'], ['export', '--help'], ['verify', '--help']]) {
      const [built, fromSources] = await Promise.all([ended(start(args)), program(args)]);
      assert.equal(built.stdout, fromSources.stdout);
    }
  });

  it('says what is wrong with a command line as the sources do', async () => {
    for (const args of [['exprt'], ['verify'], ['export', '--page-size'], ['export', 'a', 'b']]) {
      const [built, fromSources] = await Promise.all([ended(start(args)), program(args)]);
      assert.equal(built.stderr, fromSources.stderr);
      assert.equal(built.code, fromSources.code);
    }
  });

  it('lies in a folder of its own, so that a run goes on with the build it began with', async () => {
    for (const [entry, way] of [
      ['src/cli/main.js', '../../'],
      ['src/index.js', '../'],
      ['src/index.d.ts', '../'],
    ] as const) {
      const text = await page(`dist/${entry}`);
      const [, target = ''] = /"(.*)";\n$/.exec(text) ?? [];
      assert.match(target, new RegExp(`^${way}builds/\\w+/src/`.replaceAll('.', '\\.')), entry);
    }
  });

  it('writes JSON log lines', async () => {
    const args = ['plan', '--log-format=json', '--log-level=debug', '--deadline=1s'];
    const { stderr } = await ended(start([...args, '--api-url=http://127.0.0.1:1']));
    const [first = ''] = stderr.split('\n');
    assert.equal(JSON.parse(first).level, 'debug');
  });
});
