import { EXIT, ExportError } from '../platform/errors.ts';
import { readBackProblems } from '../publish/compare.ts';
import type { Manifest } from '../publish/manifest.ts';
import type { ReadBack } from '../publish/read-back.ts';

/**
 * Compares what readers that share nothing with the writers found in the data files with what was written to them.
 *
 * @param found in the order of the manifest's files
 * @throws ExportError (65, publish) when a file does not hold what was written to it
 */
export function checkReadBack(manifest: Manifest, found: readonly ReadBack[]): void {
  for (const [at, contents] of found.entries()) {
    const problems = readBackProblems(manifest, contents);
    if (problems.length === 0) continue;
    throw new ExportError(
      `${manifest.files[at].name} was read back and is not what was written: ${problems.join('; ')}. Nothing was ` +
        'published. Check the disk and run the same command again; if it happens twice, report it.',
      { exitCode: EXIT.data, stage: 'publish' },
    );
  }
}
