import { join } from 'node:path';
import type { ExportOptions } from '../domain/options.ts';
import { LOADERS, openRemoteLoaders } from '../load/index.ts';
import { followFiles } from '../publish/read-back-remote.ts';
import type { Staging } from '../publish/staging.ts';
import { Output, Outputs } from './outputs.ts';
import { REJECTS_FILE, RejectsFile } from './rejects.ts';

/** Starts a loader for each format and creates its file in the staging folder. */
export async function openOutputs(options: ExportOptions, staging: Staging): Promise<Outputs> {
  const { formats, compression } = options;
  const names = formats.map((format) => `jobs${LOADERS[format].extension(compression)}`);
  const loaders = await openRemoteLoaders(formats, compression);
  try {
    const files = await Promise.all(names.map((name) => staging.createFile(name)));
    const follower = followFiles(
      formats.map((format, at) => ({ format, path: join(staging.folder, names[at]) })),
    );
    const outputs = loaders.map(
      (loader, at) =>
        new Output(formats[at], names[at], loader, files[at], (bytes) => follower.grown(at, bytes)),
    );
    return new Outputs(outputs, new RejectsFile(() => staging.createFile(REJECTS_FILE)), follower);
  } catch (error) {
    await Promise.all(loaders.map((loader) => loader.terminate()));
    throw error;
  }
}
