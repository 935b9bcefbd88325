import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { crash, type Fault, faultyFiles } from '../support/faulty-files.ts';
import { cycling, LOSSES, type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { FOLDER, idsOf, openWork, partOf } from './sample.ts';

const PARTS = ['first rows', 'second rows', 'third rows', 'fourth rows'];

/** Writes the parts that are missing; tells which were confirmed. */
async function work(
  files: FileSystem,
  confirmed: Set<string>,
  texts: readonly string[] = PARTS,
): Promise<void> {
  const begun = await openWork(files);
  confirmed.add('started');
  for (const text of texts.slice(begun.parts)) {
    await begun.append(partOf(text));
    confirmed.add(text);
  }
}

/** Runs until the fault; what the dead process throws is nobody's concern. */
async function workUntil(
  files: FileSystem,
  fault: Fault,
  confirmed: Set<string>,
  texts?: readonly string[],
): Promise<number> {
  const faulty = faultyFiles(files, fault, crash);
  await work(faulty, confirmed, texts).catch(() => undefined);
  return faulty.operations.length;
}

/** The work on the disk is a prefix of what was given and holds all that was confirmed. */
async function assertRecovers(files: MemoryFiles, confirmed: ReadonlySet<string>): Promise<void> {
  const found = await openWork(files, { runId: confirmed.size > 0 ? 'another' : 'the run' });
  const ids = await idsOf(found);
  assert.deepEqual(ids, PARTS.slice(0, ids.length));
  const missing = [...confirmed].filter((it) => it !== 'started' && !ids.includes(it));
  assert.deepEqual(missing, []);
  assert.equal(found.header.runId, 'the run');
}

async function assertFinishes(files: MemoryFiles): Promise<void> {
  await work(files, new Set());
  const names = Object.keys(files.tree()).filter((path) => path.startsWith(`${FOLDER}/`));
  assert.deepEqual(names.map((path) => path.slice(FOLDER.length + 1)).sort(), [
    'part-000000.arrow',
    'part-000001.arrow',
    'part-000002.arrow',
    'part-000003.arrow',
    'work.json',
  ]);
  const found = await openWork(files);
  assert.deepEqual([await idsOf(found), found.droppedParts], [PARTS, 0]);
  await found.discard();
  assert.equal(await files.stat(FOLDER), undefined);
}

async function countOperations(texts?: readonly string[]): Promise<number> {
  return workUntil(memoryFiles(), { at: 0, what: 'short' }, new Set(), texts);
}

const KILLS = ['kill-before', 'kill-half', 'kill-after'] as const;
describe('work killed at any operation', () => {
  for (const [loss, choose] of [['kill only', undefined] as const, ...Object.entries(LOSSES)]) {
    for (const what of KILLS) {
      it(`${what}, ${loss}: keeps what was confirmed and finishes`, async () => {
        const operations = await countOperations();
        assert.ok(operations > 35, `${operations} operations`);
        for (let at = 1; at <= operations; at++) {
          const files = memoryFiles();
          const confirmed = new Set<string>();
          await workUntil(files, { at, what }, confirmed);
          const found = choose === undefined ? files : files.afterPowerLoss(choose());
          await assertRecovers(found, confirmed);
          await assertFinishes(found);
        }
      });
    }
  }

  it('keeps what was confirmed when the resumed run is killed too and the power fails', async () => {
    const operations = await countOperations([]);
    for (let first = 1; first <= operations; first++) {
      for (let second = 1; second <= operations; second++) {
        const files = memoryFiles();
        const confirmed = new Set<string>();
        await workUntil(files, { at: first, what: 'kill-after' }, confirmed, []);
        await workUntil(files, { at: second, what: 'kill-after' }, confirmed, []);
        await assertRecovers(
          files.afterPowerLoss(() => 0),
          confirmed,
        );
      }
    }
  });

  it('keeps what was confirmed through any series of kills and power losses', async () => {
    const operations = await countOperations();
    const interruption = fc.record({
      at: fc.integer({ min: 1, max: operations }),
      what: fc.constantFrom(...KILLS),
      losses: fc.option(fc.array(fc.nat(), { minLength: 1, maxLength: 8 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(interruption, { minLength: 2, maxLength: 5 }), async (series) => {
        let files = memoryFiles();
        const confirmed = new Set<string>();
        for (const { at, what, losses } of series) {
          await workUntil(files, { at, what }, confirmed);
          if (losses !== null) files = files.afterPowerLoss(cycling(losses));
        }
        await assertRecovers(files, confirmed);
        await assertFinishes(files);
      }),
      { numRuns: 150 },
    );
  });
});
