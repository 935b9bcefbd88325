import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatManifest, parseManifest } from '../../src/jobs/manifest.ts';
import { readManifest } from '../../src/publish/snapshots.ts';
import { memoryFiles } from '../support/memory-files.ts';
import { published, sampleManifest } from './sample.ts';

const MANIFEST = sampleManifest({
  files: [
    published('jobs.parquet', 'parquet', 2, Buffer.from('x')),
    published('rejects.ndjson', 'rejects', 0, Buffer.from('y')),
  ],
});

/** Fields that may be missing: a filter, a kind of anomaly, what only some methods of proof tell. */
const OPEN = ['filters', 'anomalies', 'seams', 'drift', 'reconciled'];

/** Every path to a value in the manifest that must be there. */
function pathsIn(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value)
    .filter(([name]) => !OPEN.includes(name))
    .flatMap(([name, item]) => pathsIn(item, [...at, name]));
  return at.length === 0 ? inner : [at, ...inner];
}

function textOf(manifest: typeof MANIFEST): string {
  return Buffer.from(formatManifest(manifest)).toString();
}

/** The manifest with one value changed or, for undefined, taken out. */
function withValue(path: readonly (string | number)[], value: unknown): Uint8Array {
  const root: Record<string | number, unknown> = JSON.parse(textOf(MANIFEST));
  let holder = root;
  for (const name of path.slice(0, -1)) {
    const next = holder[name];
    assert.ok(typeof next === 'object' && next !== null);
    holder = Object.assign(next);
  }
  holder[path.at(-1) ?? ''] = value;
  return Buffer.from(JSON.stringify(root));
}

async function failureFor(content: Uint8Array | undefined): Promise<unknown> {
  const files = memoryFiles();
  await files.makeFolder('/snapshot');
  if (content !== undefined) {
    const file = await files.open('/snapshot/manifest.json', 'create');
    await file.write(content);
  }
  return readManifest(files, '/snapshot').catch((error: unknown) => error);
}

describe('manifest.json', () => {
  it('is indented text that ends with a newline', () => {
    const text = textOf(MANIFEST);
    assert.ok(text.startsWith('{\n  "schemaVersion": 1,\n'));
    assert.ok(text.endsWith('}\n'));
  });

  it('comes back as it was written', () => {
    const read = { manifest: MANIFEST, checksum: 'right' };
    assert.deepEqual(parseManifest(formatManifest(MANIFEST)), read);
  });

  it('may come from a later version that says more', () => {
    const more = { ...MANIFEST, mood: 'good' };
    assert.deepEqual(parseManifest(formatManifest(more)), {
      manifest: MANIFEST,
      checksum: 'right',
    });
  });

  it('may come from an earlier version, which had no checksum', () => {
    const earlier = Buffer.from(JSON.stringify(MANIFEST));
    assert.deepEqual(parseManifest(earlier), { manifest: MANIFEST, checksum: 'none' });
  });

  it('has the right checksum whatever the order of its keys and its layout', () => {
    const turned = Object.fromEntries(Object.entries(JSON.parse(textOf(MANIFEST))).reverse());
    assert.equal(parseManifest(Buffer.from(JSON.stringify(turned))).checksum, 'right');
  });

  const edits: [string, string][] = [
    ['"proven": true', '"proven": false'],
    ['"rows": 2', '"rows": 3'],
    ['"last": 2', '"last": 3'],
    [MANIFEST.runId, '20261123T020000Z-3fa2c2'],
    ['rejects.ndjson', 'rejected.ndjson'],
    ['"drift": false', '"drift": true'],
  ];
  for (const [before, after] of edits) {
    it(`has a wrong checksum when ${before} became ${after}`, () => {
      const text = textOf(MANIFEST).replace(before, after);
      assert.equal(parseManifest(Buffer.from(text)).checksum, 'wrong');
    });
  }

  it('comes back whatever the figures are', () => {
    const figures = fc.record({
      rows: fc.maxSafeNat(),
      seconds: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      anomalies: fc.dictionary(fc.stringMatching(/^x_[a-z]+$/), fc.maxSafeNat(), {
        noNullPrototype: true,
      }),
      filters: fc.record(
        { id: fc.array(fc.string()), maxRuns: fc.nat() },
        { requiredKeys: [], noNullPrototype: true },
      ),
    });
    fc.assert(
      fc.property(figures, (change) => {
        const manifest = { ...MANIFEST, ...change, seconds: change.seconds + 0 };
        assert.deepEqual(parseManifest(formatManifest(manifest)).manifest, manifest);
      }),
    );
  });

  for (const path of pathsIn(MANIFEST)) {
    const name = path.join('.');
    it(`is refused, naming the field, without or with another kind of ${name}`, () => {
      const field = String(path.at(-1));
      for (const wrong of [undefined, { no: 'kind' }, true, -1.5]) {
        const accepted = wrong === true && ['proven', 'required'].includes(field);
        if (accepted || (wrong === -1.5 && field === 'seconds')) continue;
        assert.throws(
          () => parseManifest(withValue(path, wrong)),
          (error) => error instanceof TypeError && /[\w[\].]+: /.test(error.message),
          JSON.stringify(wrong),
        );
      }
    });
  }

  const refused: [string, Uint8Array, RegExp][] = [
    ['another schema version', withValue(['schemaVersion'], 2), /schemaVersion: expected 1/],
    [
      'a path for a file name',
      withValue(['files', 0, 'name'], '../../etc/passwd'),
      /plain file name/,
    ],
    ['a file named twice', withValue(['files', 1, 'name'], 'jobs.parquet'), /named twice/],
    ['a list at its top', Buffer.from('[]'), /schemaVersion: missing/],
  ];
  for (const [why, bytes, message] of refused) {
    it(`is refused with ${why}`, () => assert.throws(() => parseManifest(bytes), message));
  }

  const unusable: [string, Uint8Array | undefined, RegExp][] = [
    ['missing', undefined, /\/snapshot is no snapshot: it has no manifest\.json/],
    ['no JSON', Buffer.from('{"secret": '), /manifest\.json cannot be used: it is not JSON$/],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), /it is not JSON$/],
    ['something else', Buffer.from('{}'), /schemaVersion: missing$/],
  ];
  for (const [why, content, message] of unusable) {
    it(`fails with 65 and the path when it is ${why}`, async () => {
      const failure = await failureFor(content);
      assert.ok(failure instanceof Error && 'exitCode' in failure);
      assert.equal(failure.exitCode, 65);
      assert.match(failure.message, message);
    });
  }
});
