import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { startSimulator } from './simulator/index.ts';
import { REPOSITORY } from './support/cli.ts';
import { serveHttp } from './support/http-servers.ts';
import { ended } from './support/process.ts';

const run = promisify(execFile);

/** Passes requests on, but holds all behind the first until it is opened. */
async function startGate(target: string) {
  const { promise: opened, resolve: open } = withResolvers();
  const { promise: holding, resolve: hold } = withResolvers();
  let requests = 0;
  const server = await serveHttp(async (response, { url }) => {
    requests++;
    if (requests > 1) {
      hold();
      await opened;
    }
    const answer = await fetch(target + url);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  return { server, open, holding };
}

function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('make build', () => {
  let checkout = '';
  const main = () => join(checkout, 'dist', 'src', 'cli', 'main.js');

  before(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'build-'));
    for (const name of [
      ...['Makefile', 'package.json', 'package-lock.json', 'README.md', 'esbuild.config.ts'],
      ...['tsconfig.json', 'tsconfig.build.json', 'src', 'pipelines', 'test'],
    ]) {
      await cp(join(REPOSITORY, name), join(checkout, name), {
        recursive: true,
        preserveTimestamps: true,
      });
    }
    await symlink(join(REPOSITORY, 'node_modules'), join(checkout, 'node_modules'));
    await run('make', ['build'], { cwd: checkout });
  });

  after(() => rm(checkout, { recursive: true }));

  it('does not disturb a run that began with the build before, and swaps in what it made', async (t) => {
    const simulator = await startSimulator({ jobs: 1500 });
    const { server, open, holding } = await startGate(simulator.url);
    t.after(() => Promise.all([simulator.close(), server.close()]));
    const output = join(checkout, 'out');
    const before = await readFile(main(), 'utf8');
    const args = [main(), 'export', '--api-url', server.url, '--output', output];
    const { PATH, HOME } = process.env;
    const exporting = ended(spawn(process.execPath, args, { env: { PATH, HOME } }));
    await holding;
    const index = join(checkout, 'src', 'index.ts');
    await writeFile(index, `${await readFile(index, 'utf8')}export const SWAPPED = 1;\n`);
    await run('make', ['build'], { cwd: checkout });
    assert.notEqual(await readFile(main(), 'utf8'), before);
    open();
    const { code, stderr } = await exporting;
    assert.equal(code, 0, stderr);
    const verified = await run(process.execPath, [
      main(),
      'verify',
      join(output, 'jobs', 'latest'),
    ]);
    assert.match(verified.stdout, /1,500 rows each/);
  });

  it('that fails leaves the build before as it is', async () => {
    const before = await readFile(main(), 'utf8');
    await writeFile(join(checkout, 'src', 'index.ts'), 'export const broken: number = "text";\n');
    await assert.rejects(run('make', ['build'], { cwd: checkout }));
    assert.equal(await readFile(main(), 'utf8'), before);
    assert.match((await run(process.execPath, [main(), '--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
