import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import type { Checkpoint } from '../../src/store/checkpoint.ts';
import { encodeLine } from '../../src/store/journal-codec.ts';
import { type CheckpointOptions, openCheckpoint } from '../../src/store/open.ts';
import { headerRecord, noteRecord } from '../../src/store/records.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.ts';

const FINGERPRINT = '0123456789abcdef';
const FOLDER = `/output/jobs/.work/${FINGERPRINT}`;
const JOURNAL = `${FOLDER}/journal`;
const HOUR_MS = 3_600_000;
const NOW = 100 * HOUR_MS;

function open(files: FileSystem, change: Partial<CheckpointOptions> = {}): Promise<Checkpoint> {
  return openCheckpoint({
    files,
    clock: { wall: () => NOW },
    folder: FOLDER,
    fingerprint: FINGERPRINT,
    run: 'first run',
    restart: false,
    resumeWithinMs: 12 * HOUR_MS,
    ...change,
  });
}

/** Work of three parts, the second with rejects, and a note. */
async function threeParts(): Promise<MemoryFiles> {
  const files = memoryFiles();
  const checkpoint = await open(files);
  await checkpoint.append({ bytes: Buffer.from('rows 0'), state: { offset: 100 } });
  const rejects = Buffer.from('reject\n');
  await checkpoint.append({ bytes: Buffer.from('rows 1'), rejects, state: { offset: 200 } });
  await checkpoint.append({ bytes: Buffer.from('rows 2'), state: { offset: 300 } });
  await checkpoint.note({ finished: true });
  await checkpoint.close();
  return files;
}

async function filesWithJournal(...lines: Uint8Array[]): Promise<MemoryFiles> {
  const files = memoryFiles();
  await (await open(files)).close();
  await files.remove(JOURNAL);
  const journal = await files.open(JOURNAL, 'create');
  await journal.write(Buffer.concat(lines));
  return files;
}

function header(change: { version?: number; fingerprint?: string } = {}): Uint8Array {
  const record = headerRecord({ fingerprint: FINGERPRINT, createdAt: NOW, run: null });
  return encodeLine(0, { ...Object(record), ...change });
}

async function assertRefused(files: FileSystem, why: RegExp): Promise<void> {
  await assert.rejects(open(files), (error) => {
    assert.ok(error instanceof ExportError);
    assert.equal(error.exitCode, 74);
    assert.match(error.message, why);
    assert.match(error.message, /--restart/);
    assert.ok(error.message.includes(JOURNAL));
    return true;
  });
}

describe('opening a checkpoint', () => {
  it('begins new work when there is none', async () => {
    const { found } = await open(memoryFiles());
    assert.deepEqual(found, {
      opening: 'new',
      header: { fingerprint: FINGERPRINT, createdAt: NOW, run: 'first run' },
      parts: [],
      notes: [],
      droppedParts: 0,
    });
  });

  it('resumes parts, rejects, states, notes and the header of the first run', async () => {
    const files = await threeParts();
    const checkpoint = await open(files, { run: 'second run' });
    const { opening, parts, notes, header, droppedParts } = checkpoint.found;
    assert.deepEqual([opening, header.run, droppedParts], ['resumed', 'first run', 0]);
    assert.deepEqual(notes, [{ finished: true }]);
    assert.deepEqual(
      parts.map(({ state }) => state),
      [{ offset: 100 }, { offset: 200 }, { offset: 300 }],
    );
    const read = async (bytes: Promise<Uint8Array>) => Buffer.from(await bytes).toString();
    const rows = await Promise.all(parts.map((part) => read(checkpoint.readPart(part))));
    const rejects = await Promise.all(parts.map((part) => read(checkpoint.readRejects(part))));
    assert.deepEqual(rows, ['rows 0', 'rows 1', 'rows 2']);
    assert.deepEqual(rejects, ['', 'reject\n', '']);
  });

  for (const lost of ['part-000001.arrow', 'part-000001.rejects']) {
    it(`drops a part whose ${lost} was altered, and all behind it`, async () => {
      const files = await threeParts();
      files.damage(`${FOLDER}/${lost}`, 2);
      const { found } = await open(files);
      assert.deepEqual([found.opening, found.parts.length, found.droppedParts], ['resumed', 1, 2]);
      assert.deepEqual(found.notes, []);
    });

    it(`drops a part whose ${lost} is gone, and all behind it, for good`, async () => {
      const files = await threeParts();
      await files.remove(`${FOLDER}/${lost}`);
      const checkpoint = await open(files);
      assert.equal(checkpoint.found.parts.length, 1);
      await checkpoint.append({ bytes: Buffer.from('rows 1 again'), state: null });
      await checkpoint.close();
      const { found } = await open(files);
      assert.deepEqual([found.parts.length, found.droppedParts], [2, 0]);
    });
  }

  it('does not take an unreadable disk for a lost part', async () => {
    const files = await threeParts();
    const denied: FileSystem = {
      ...files,
      readChunks: () => {
        throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      },
    };
    await assert.rejects(open(denied), { exitCode: 74, message: /part-000000\.arrow.*ulimit -n/ });
    assert.equal((await open(files)).found.parts.length, 3);
  });

  it('discards the work on restart, and when it is too old or from the future', async () => {
    for (const [change, opening] of [
      [{ restart: true }, 'restarted'],
      [{ clock: { wall: () => NOW + 13 * HOUR_MS } }, 'stale'],
      [{ clock: { wall: () => NOW - 13 * HOUR_MS } }, 'stale'],
    ] as const) {
      const files = await threeParts();
      const checkpoint = await open(files, { ...change, run: 'second run' });
      assert.equal(checkpoint.found.opening, opening);
      assert.equal(checkpoint.found.header.run, 'second run');
      assert.deepEqual(checkpoint.found.parts, []);
      assert.deepEqual(await files.list(FOLDER), ['journal']);
    }
  });

  it('still resumes work that is just young enough', async () => {
    const clock = { wall: () => NOW + 12 * HOUR_MS };
    assert.equal((await open(await threeParts(), { clock })).found.opening, 'resumed');
  });

  it('leaves nothing when the work is discarded, before it is closed or after', async () => {
    for (const closeFirst of [true, false]) {
      const files = await threeParts();
      const checkpoint = await open(files);
      if (closeFirst) await checkpoint.close();
      const late = closeFirst
        ? undefined
        : checkpoint.append({ bytes: Buffer.from('x'), state: 1 });
      await checkpoint.discard();
      await late;
      if (!closeFirst) await checkpoint.close();
      assert.equal(await files.stat(FOLDER), undefined);
    }
  });

  it('removes files that no record names', async () => {
    const files = await threeParts();
    for (const name of ['part-000003.arrow', 'part-000004.arrow.tmp']) {
      await files.open(`${FOLDER}/${name}`, 'create');
    }
    const before = await files.list(FOLDER);
    await open(files);
    const after = await files.list(FOLDER);
    assert.equal(before.length - after.length, 2);
    assert.ok(after.every((name) => !/00000[34]/.test(name)));
  });

  it('cuts a torn last line off, durably, before anything is added', async () => {
    const files = await threeParts();
    const journal = await files.open(JOURNAL, 'append');
    const size = await journal.size();
    await journal.truncate(size - 5);
    const watched = faultyFiles(files, undefined, crash);
    const { found } = await open(watched);
    assert.deepEqual([found.parts.length, found.notes], [3, []]);
    const names = watched.operations.map(({ name }) => name);
    assert.equal(names[names.indexOf('truncate') + 1], 'sync');
  });

  it('starts afresh when not even the header was finished', async () => {
    const files = await filesWithJournal(header().subarray(0, 30));
    assert.equal((await open(files)).found.opening, 'new');
  });
});

describe('a journal that cannot be trusted', () => {
  it('is refused when it is damaged before its last line', async () => {
    const files = await threeParts();
    files.damage(JOURNAL, 200);
    await assertRefused(files, /damaged/);
    assert.equal((await open(files, { restart: true })).found.opening, 'restarted');
  });

  it('is refused when its first line is damaged', async () => {
    const files = await threeParts();
    files.damage(JOURNAL, 0);
    await assertRefused(files, /beginning is damaged/);
  });

  it('is no matter when the work is too old anyway', async () => {
    const files = await threeParts();
    files.damage(JOURNAL, 200);
    const clock = { wall: () => NOW + 13 * HOUR_MS };
    assert.equal((await open(files, { clock })).found.opening, 'stale');
  });

  const note = (number: number) => encodeLine(number, noteRecord(null));
  const cases: [string, Uint8Array[], RegExp][] = [
    ['another version', [header({ version: 2 })], /version 2/],
    ['another run', [header({ fingerprint: 'f'.repeat(16) })], /another run/],
    ['no header', [note(0), note(1)], /header is missing/],
    ['two headers', [header(), encodeLine(1, headerRecord(someHeader()))], /two headers/],
    ['an unknown record', [header(), encodeLine(1, { kind: 'song' })], /cannot read/],
    ['a file name that leads elsewhere', [header(), partLine(0, '../../x')], /cannot read/],
    ['a part too many', [header(), partLine(1, 'part-000001.arrow')], /part 0 is missing/],
  ];
  for (const [name, lines, why] of cases) {
    it(`is refused when it has ${name}`, async () => {
      await assertRefused(await filesWithJournal(...lines), why);
    });
  }
});

function someHeader() {
  return { fingerprint: FINGERPRINT, createdAt: NOW, run: null };
}

function partLine(index: number, name: string): Uint8Array {
  const rows = { name, bytes: 1, sha256: '0'.repeat(64) };
  return encodeLine(1, { kind: 'part', index, rows, rejects: null, state: null });
}
