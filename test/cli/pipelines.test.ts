import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { describePipelines, loadPipeline, PIPELINES_FOLDER } from '../../src/cli/pipelines.ts';
import { ExportError } from '../../src/platform/errors.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipelines-'));
});

after(() => rm(folder, { recursive: true }));

async function refusal(name: string): Promise<ExportError> {
  const error = await loadPipeline(name, folder, folder).then(
    () => assert.fail('was accepted'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ExportError);
  return error;
}

describe('pipelines', () => {
  it('that ship with the program are valid', async () => {
    const pipelines = await describePipelines(PIPELINES_FOLDER);
    assert.deepEqual([...pipelines.keys()], ['failures', 'jobs']);
    for (const [name, description] of pipelines) {
      assert.equal(
        (await loadPipeline(name, PIPELINES_FOLDER, folder)).definition.description,
        description,
      );
    }
  });

  it('are known by their file names', async () => {
    for (const name of ['b.js', 'a-1.ts', 'a.d.ts', 'c.txt', 'README.md', 'D.js']) {
      await writeFile(join(folder, name), 'export default { description: "x" }');
    }
    await writeFile(join(folder, 'e.js'), 'export default {}');
    assert.deepEqual(Object.fromEntries(await describePipelines(folder)), {
      'a-1': 'x',
      b: 'x',
      e: 'is refused; export it to see why',
    });
    assert.deepEqual(await loadPipeline('b', folder, folder), {
      name: 'b',
      definition: { description: 'x', filters: {} },
    });
  });

  it("are files of one's own, named by a path and by nothing else", async () => {
    const definition = { description: 'night', filters: { status: ['ERROR'] }, keep: 3 };
    await writeFile(
      join(folder, 'night.json'),
      `\uFEFF${JSON.stringify({ $schema: './pipeline.schema.json', ...definition })}`,
    );
    await writeFile(join(folder, 'own.mjs'), `export default ${JSON.stringify(definition)}`);
    for (const given of ['./night.json', join(folder, 'own.mjs')]) {
      const name = given === './night.json' ? 'night' : 'own';
      assert.deepEqual(await loadPipeline(given, PIPELINES_FOLDER, folder), { name, definition });
    }
    for (const given of ['night', 'night.json', 'own.mjs']) {
      await assert.rejects(loadPipeline(given, PIPELINES_FOLDER, folder), { exitCode: 64 });
    }
    await assert.rejects(loadPipeline('./none.json', PIPELINES_FOLDER, folder), {
      exitCode: 78,
      message: /^\.\/none\.json: cannot be loaded: ENOENT/,
    });
    await assert.rejects(loadPipeline('x', join(folder, 'none'), folder), { exitCode: 78 });
  });

  it('are refused by name when there is no such file', async () => {
    for (const name of ['none', '../b', './b', 'b.js', '', 'constructor', '/etc/passwd']) {
      const { exitCode, message } = await refusal(name);
      assert.equal(exitCode, 64);
      assert.match(message, /^unknown pipeline '.*'; known are .*b/);
    }
  });
});

describe('a pipeline file', () => {
  const cases: readonly (readonly [name: string, source: string, message: RegExp])[] = [
    [
      'nothing',
      'export const x = 1',
      /: expected "export default definePipeline\(\{ \.\.\. \}\)"$/,
    ],
    ['list', 'export default []', /: expected "export default/],
    ['broken', 'export default {', /: cannot be loaded: /],
    ['throws', 'throw new Error("no luck")', /: cannot be loaded: no luck$/],
    ['bare', 'export default {}', /: description: expected one line of text$/],
    [
      'typo',
      'export default { description: "x", formatz: [] }',
      /'formatz'; did you mean formats\?/,
    ],
    ['odd', 'export default { description: "x", qqqq: 1 }', /'qqqq'; known are description, /],
    [
      'size',
      'export default { description: "x", pageSize: 1000 }',
      /: pageSize: expected a whole number from 2 to 100, got 1000$/,
    ],
    ['kind', 'export default { description: "x", pageSize: "50" }', /: pageSize: .*, got '50'$/],
    ['part', 'export default { description: "x", pageSize: 2.5 }', /: pageSize: .*, got 2\.5$/],
    ['big', 'export default { description: "x", keep: 10n }', /: keep: .*, got 10n$/],
    ['format', 'export default { description: "x", formats: ["csv"] }', /got \[ 'csv' \]$/],
    ['empty', 'export default { description: "x", formats: [] }', /: formats: expected/],
    ['filter', 'export default { description: "x", filters: [] }', /: filters: expected an object/],
    [
      'name',
      'export default { description: "x", filters: { batch_id: ["a"] } }',
      /: filters: no option is called 'batch_id'; did you mean batchId\?/,
    ],
    [
      'value',
      'export default { description: "x", filters: { errors: "no" } }',
      /: filters: errors: expected true or false, got 'no'$/,
    ],
  ];
  for (const [name, source, expected] of cases) {
    it(`is refused with its name and the option: ${name}`, async () => {
      await writeFile(join(folder, `${name}.js`), source);
      const { exitCode, message } = await refusal(name);
      assert.equal(exitCode, 78);
      assert.ok(message.startsWith(`pipelines/${name}.js: `), message);
      assert.match(message, expected);
    });
  }
});
