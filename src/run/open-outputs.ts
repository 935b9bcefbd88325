import type { ExportOptions } from '../domain/options.ts';
import { LOADERS, openRemoteLoader } from '../load/index.ts';
import type { Staging } from '../publish/staging.ts';
import { Output, Outputs } from './outputs.ts';
import { REJECTS_FILE, RejectsFile } from './rejects.ts';

/** Starts a loader for each format and creates its file in the staging folder. */
export async function openOutputs(options: ExportOptions, staging: Staging): Promise<Outputs> {
  const { formats, compression } = options;
  const opened = await Promise.allSettled(
    formats.map(async (format) => {
      const loader = await openRemoteLoader(format, compression);
      const name = `jobs${LOADERS[format].extension(compression)}`;
      try {
        return new Output(format, name, loader, await staging.createFile(name));
      } catch (error) {
        await loader.terminate();
        throw error;
      }
    }),
  );
  const outputs = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed) {
    await Promise.all(outputs.map((output) => output.close()));
    throw failed.reason;
  }
  return new Outputs(outputs, new RejectsFile(() => staging.createFile(REJECTS_FILE)));
}
