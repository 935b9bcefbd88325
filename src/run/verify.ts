import { nodeFiles } from '../platform/node-files.ts';
import { readBackRemotely } from '../publish/read-back-remote.ts';
import { type Verification, verifySnapshot as verify } from '../publish/verify.ts';

/**
 * Checks a published snapshot against its manifest: sizes, hashes, rows, columns, ids. Writes nothing.
 *
 * @param folder a snapshot, or a pipeline's folder: then the one `latest` names
 * @throws ExportError (65, publish) when there is no readable manifest
 */
export function verifySnapshot(folder: string): Promise<Verification> {
  return verify(folder, { files: nodeFiles, readBack: readBackRemotely });
}
