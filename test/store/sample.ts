import type { JsonValue } from '../../src/json/checked-json.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { PartEncoder } from '../../src/platform/part-file.ts';
import { openWork as open, type Work, type WorkOptions } from '../../src/store/work.ts';
import { SAMPLE_SCHEMA, slices } from '../support/arbitrary-batches.ts';

export const FINGERPRINT = '0123456789abcdef';
export const FOLDER = `/output/jobs/.work/${FINGERPRINT}`;

export function openWork(files: FileSystem, change: Partial<WorkOptions> = {}): Promise<Work> {
  return open({
    files,
    clock: { wall: () => 1000 },
    folder: FOLDER,
    runId: 'the run',
    restart: false,
    resumeWithinMs: 1000,
    takesRefused: false,
    ...change,
  });
}

/** A part whose only row has this id. */
export function partOf(id: string, state: JsonValue = id): Uint8Array {
  const [batch] = slices({ rows: 1, values: { id: [id] } }, [1]);
  return new PartEncoder(SAMPLE_SCHEMA).encode({
    batch,
    rejects: Buffer.from(`reject of ${id}\n`),
    again: [],
    settled: 7n,
    state,
  });
}

/** The ids of all parts. */
export async function idsOf(work: Work): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < work.parts; index++)
    ids.push(String((await work.read(index)).batch.getChild('id')?.get(0)));
  return ids;
}
