import type { LoaderDefinition } from './loader.ts';

/** The Arrow IPC file format (Feather V2), uncompressed, so that readers can map it into memory. */
export const arrow: LoaderDefinition = {
  format: 'arrow',
  extension: () => '.arrow',
  async open(schema, _compression, out) {
    const { arrowFile } = await import('./arrow-file.ts');
    return arrowFile(schema, out);
  },
};
