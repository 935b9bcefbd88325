import { join } from 'node:path';
import type { Completeness, Manifest, ProofMethod, PublishedFile } from '../jobs/manifest.ts';
import { FORMATS } from '../jobs/pipeline.ts';
import { Fields, type JsonValue } from '../json/json-value.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { parseFilters } from './manifest-filters.ts';

export const MANIFEST = 'manifest.json';

const METHODS: readonly ProofMethod[] = ['seams', 'counts', 'ties', 'rewalk', 'none'];

/** `manifest.json` as text: two spaces, a newline at the end. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * Reads the manifest of a snapshot.
 *
 * @throws ExportError (65, publish) when there is none or it is not what this program writes
 */
export async function readManifest(files: FileSystem, folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let bytes: Uint8Array;
  try {
    bytes = await files.read(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error;
    throw unusable(`${folder} is no snapshot: it has no ${MANIFEST}`, error);
  }
  try {
    return parseManifest(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof ManifestError ? error.message : 'it is not JSON';
    throw unusable(`${path} cannot be used: ${why}`, error);
  }
}

/** What is wrong with a manifest, naming the field: `files[0].bytes: expected a whole number, got string`. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/**
 * Reads the text of a manifest. Fields that are not known are left out.
 *
 * @throws ManifestError naming the first field that is missing or of another kind; SyntaxError when it is not JSON
 */
export function parseManifest(text: string): Manifest {
  const value: JsonValue = JSON.parse(text);
  try {
    return manifestOf(new Fields(value));
  } catch (error) {
    if (error instanceof TypeError) throw new ManifestError(error.message, { cause: error });
    throw error;
  }
}

function manifestOf(fields: Fields): Manifest {
  const version = fields.count('schemaVersion');
  if (version !== 1) throw new ManifestError(`schemaVersion: expected 1, got ${version}`);
  const tool = fields.fields('tool');
  const serverTotal = fields.fields('serverTotal');
  const anomalies = fields.fields('anomalies');
  return {
    schemaVersion: version,
    tool: { name: tool.text('name'), version: tool.text('version') },
    pipeline: fields.text('pipeline'),
    runId: fields.text('runId'),
    apiUrl: fields.text('apiUrl'),
    filters: parseFilters(fields.fields('filters')),
    startedAt: fields.text('startedAt'),
    finishedAt: fields.text('finishedAt'),
    seconds: fields.number('seconds'),
    resumed: fields.count('resumed'),
    serverTotal: { first: serverTotal.count('first'), last: serverTotal.count('last') },
    rows: fields.count('rows'),
    idChecksum: fields.hex('idChecksum', 64),
    duplicates: fields.count('duplicates'),
    repairs: fields.count('repairs'),
    rejects: fields.count('rejects'),
    anomalies: Object.fromEntries(anomalies.names().map((name) => [name, anomalies.count(name)])),
    completeness: completenessOf(fields.fields('completeness')),
    requests: fields.count('requests'),
    retries: fields.count('retries'),
    bytesReceived: fields.count('bytesReceived'),
    columns: fields.list('columns').map((column) => ({
      name: column.text('name'),
      type: column.text('type'),
      required: column.flag('required'),
    })),
    files: filesOf(fields.list('files')),
  };
}

function completenessOf(fields: Fields): Completeness {
  const seams = fields.fields('seams');
  const reconciled = fields.fieldsOrNull('reconciled');
  return {
    proven: fields.flag('proven'),
    method: fields.oneOf('method', METHODS),
    reason: fields.text('reason'),
    seams: {
      checked: seams.count('checked'),
      repaired: seams.count('repaired'),
      broken: seams.count('broken'),
      spanned: seams.count('spanned'),
    },
    drift: fields.flag('drift'),
    reconciled: reconciled && {
      requests: reconciled.count('requests'),
      found: reconciled.count('found'),
      deleted: reconciled.count('deleted'),
      rewalks: reconciled.count('rewalks'),
    },
  };
}

function filesOf(list: readonly Fields[]): PublishedFile[] {
  const names = new Set<string>();
  return list.map((file) => {
    const name = file.text('name');
    if (!/^[\w-][\w.-]*$/.test(name))
      throw new ManifestError('files: a name is no plain file name');
    if (names.has(name)) throw new ManifestError(`files: ${name} is named twice`);
    names.add(name);
    return {
      name,
      format: file.oneOf('format', [...FORMATS, 'rejects'] as const),
      rows: file.count('rows'),
      bytes: file.count('bytes'),
      sha256: file.hex('sha256', 64),
    };
  });
}

function unusable(message: string, cause: unknown): ExportError {
  return new ExportError(message, { exitCode: EXIT.data, stage: 'publish', cause });
}
