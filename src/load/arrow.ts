import type { LoaderDefinition } from '../domain/loader.ts';
import { blockLoader } from './block-loader.ts';

/** The Arrow IPC file format (Feather V2), uncompressed, so that readers can map it into memory. */
export const arrow: LoaderDefinition = {
  format: 'arrow',
  extension: () => '.arrow',
  open: (schema) =>
    blockLoader(schema, async () => {
      const { arrowFile } = await import('./arrow-file.ts');
      return arrowFile(schema);
    }),
};
