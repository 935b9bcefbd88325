import { join } from 'node:path';
import { LOADERS, openRemoteLoader } from '../load/index.ts';
import { followFiles } from '../publish/read-back-remote.ts';
import type { Staging } from '../publish/staging.ts';
import type { ExportOptions } from './options.ts';
import { Output, Outputs } from './outputs.ts';
import { REJECTS_FILE, RejectsFile } from './rejects.ts';

/** Starts the loader and the reader behind it, and creates a file for each format in the staging folder. */
export async function openOutputs(options: ExportOptions, staging: Staging): Promise<Outputs> {
  const { formats, compression } = options;
  const names = formats.map((format) => `jobs${LOADERS[format].extension(compression)}`);
  const loader = openRemoteLoader(formats, compression);
  try {
    const files = await Promise.all(names.map((name) => staging.createFile(name)));
    const follower = followFiles(
      formats.map((format, at) => ({ format, path: join(staging.folder, names[at]) })),
    );
    const outputs = formats.map(
      (format, at) =>
        new Output(format, names[at], files[at], loader, (bytes) => follower.grown(at, bytes)),
    );
    const rejects = new RejectsFile(() => staging.createFile(REJECTS_FILE));
    return new Outputs(loader, outputs, rejects, follower);
  } catch (error) {
    await loader.terminate();
    throw error;
  }
}
