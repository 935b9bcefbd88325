import { join } from 'node:path';
import { EXIT, ExportError } from '../domain/errors.ts';
import type { Manifest } from '../domain/manifest.ts';
import { readBackProblems } from '../publish/compare.ts';
import { readBackRemotely } from '../publish/read-back-remote.ts';

/**
 * Reads every data file of a staged snapshot back, all at once, with readers that share nothing with the writers.
 *
 * @throws ExportError (65, publish) when one does not hold what was written to it
 */
export async function checkReadBack(folder: string, manifest: Manifest): Promise<void> {
  await Promise.all(
    manifest.files.map(async ({ name, format }) => {
      if (format === 'rejects') return;
      const problems = readBackProblems(
        manifest,
        await readBackRemotely(join(folder, name), format),
      );
      if (problems.length === 0) return;
      throw new ExportError(
        `${name} was read back and is not what was written: ${problems.join('; ')}. Nothing was published. ` +
          'Check the disk and run the same command again; if it happens twice, report it.',
        { exitCode: EXIT.data, stage: 'publish' },
      );
    }),
  );
}
