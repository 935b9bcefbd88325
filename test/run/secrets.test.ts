import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { inspect } from 'node:util';
import { runExport } from '../../src/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { ended, start } from '../support/process.ts';

const CANARY = 'c4nary-s3cret';
const ACCOUNT = { PASQAL_CLIENT_ID: 'service', PASQAL_CLIENT_SECRET: CANARY };

/** Every file under a folder, hidden ones included, names and contents in one text. */
async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(
      async ({ parentPath, name }) =>
        `${name}\n${await readFile(join(parentPath, name), 'latin1')}`,
    ),
  );
  return texts.join('\n');
}

test('neither the client secret nor a token is printed or written, whatever happens', {
  timeout: 600_000,
}, async (t) => {
  const api = await startSimulator({
    jobs: 3000,
    signIn: { clientId: 'service', clientSecret: CANARY, lifetimeSeconds: 70 },
    faults: [
      { kind: '503', rate: 0.05 },
      { kind: '401', rate: 0.02 },
      { kind: 'reset', rate: 0.05 },
    ],
  });
  t.after(() => api.close());
  const output = await temporaryFolder(t);
  const args = [
    'export',
    '--api-url',
    api.url,
    '--output',
    output,
    '--log-level',
    'debug',
    '--format',
    'ndjson',
  ];
  const environment = { ...ACCOUNT, PASQAL_TOKEN_URL: api.tokenUrl };
  const shown: string[] = [];
  for (const more of [
    ['--json'],
    ['--log-format', 'json'],
    ['--deadline', '1s', '--concurrency', '1'],
  ]) {
    const { stdout, stderr } = await ended(start([...args, ...more], environment));
    shown.push(stdout, stderr);
  }
  api.faults.clear();
  api.faults.when(() => '401');
  const refused = await ended(start(args, environment));
  assert.equal(refused.code, 77);
  shown.push(refused.stdout, refused.stderr, await everything(output));
  const all = shown.join('\n');
  assert.match(all, /retry|attempt/i, 'the log is there');
  assert.match(all, /manifest\.json/, 'the files are there');
  assert.ok(!all.includes(CANARY), 'the client secret shows');
  assert.doesNotMatch(all, /eyJ[\w-]+\.[\w-]+\./, 'a token shows');
  assert.doesNotMatch(all, /bearer \S/i, 'an authorization header shows');
});

test('the chain of causes of a failed run holds no token', async (t) => {
  const api = await startSimulator({ jobs: 300, signIn: { tokens: [CANARY] } });
  t.after(() => api.close());
  const options = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    credentials: { kind: 'token', token: CANARY } as const,
  };
  api.faults.when(() => '404');
  const error = await runExport(options).catch((thrown: unknown) => thrown);
  assert.equal(Object(error).exitCode, 76);
  assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes(CANARY));
});
