import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { Environment } from './context.ts';

/** Variables whose values must never be shown. */
export const HIDDEN_VARIABLES: readonly string[] = [
  'PASQAL_TOKEN',
  'PASQAL_PASSWORD',
  'PASQAL_CLIENT_SECRET',
];

function refuse(message: string, cause?: unknown): ExportError {
  return new ExportError(message, { exitCode: EXIT.config, stage: 'cli', cause });
}

/**
 * Reads one secret: the variable itself, or the file that the variable with `_FILE` behind it names (its trailing line
 * break is not part of the secret). An empty variable counts as unset.
 *
 * @throws ExportError (78) naming variable and path, never the content
 */
export async function readSecret(
  name: string,
  environment: Environment,
  folder: string,
): Promise<string | undefined> {
  const fileVariable = `${name}_FILE`;
  const direct = environment[name] || undefined;
  const path = environment[fileVariable] || undefined;
  if (direct !== undefined && path !== undefined) {
    throw refuse(`${name} and ${fileVariable} are both set; keep one of them`);
  }
  if (path === undefined) return direct;
  const content = await contentOf(fileVariable, resolve(folder, path));
  if (content === '') throw refuse(`${fileVariable}: ${path} is empty`);
  return content;
}

async function contentOf(variable: string, path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/(\r?\n)+$/, '');
  } catch (cause) {
    throw refuse(`${variable}: cannot read ${path} (${errorCode(cause) ?? 'unreadable'})`, cause);
  }
}
