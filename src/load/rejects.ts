import type { PublishedFile } from '../jobs/manifest.ts';
import { type Micros, parseTimestamp } from '../jobs/timestamp.ts';
import { RawJob } from '../json/raw-job.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { writeFile } from './output.ts';

/** The file that holds what could not be a row. */
const NAME = 'rejects.ndjson';
const NEWLINE = 0x0a;

/** A record that was set aside, and what tells its versions apart. */
interface Reject {
  readonly line: Buffer;
  readonly reason: string;
  readonly id: string | undefined;
  readonly updatedAt: Micros | null;
  readonly part: number;
}

/** The records that were set aside. They are few, or the run ends without a snapshot: memory holds them all. */
export class Rejects {
  #rejects: Reject[] = [];

  /** Adds the lines of a part. @returns the ids of those that are jobs all the same */
  add(part: number, lines: Uint8Array): string[] {
    const ids: string[] = [];
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from) + 1;
      const line = Buffer.from(lines.slice(from, end));
      from = end;
      const { reason, raw } = JSON.parse(line.toString('utf8'));
      const job = RawJob.fromReject(raw);
      const id = job?.id;
      const updated = job?.text('updated_at');
      const updatedAt = updated === undefined ? null : parseTimestamp(updated);
      this.#rejects.push({ line, reason: String(reason), id, updatedAt, part });
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  /** Those that have an id. */
  *jobs(): Generator<Reject & { readonly id: string }> {
    for (const { id, ...reject } of this.#rejects) if (id !== undefined) yield { id, ...reject };
  }

  /** Forgets the jobs that do not count: another version of them does. */
  keep(counts: (id: string, part: number) => boolean): void {
    this.#rejects = this.#rejects.filter(({ id, part }) => id === undefined || counts(id, part));
  }

  /** How many there are, by reason. */
  reasons(): ReadonlyMap<string, number> {
    const reasons = new Map<string, number>();
    for (const { reason } of this.#rejects) increase(reasons, reason);
    return reasons;
  }

  /** Writes them in the order of their bytes, durably. */
  async write(files: FileSystem, folder: string): Promise<PublishedFile> {
    const lines = this.#rejects.map(({ line }) => line).toSorted(Buffer.compare);
    const file = { name: NAME, format: 'rejects', rows: lines.length };
    return writeFile(files, folder, file, Buffer.concat(lines));
  }
}

export function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
