import { posix } from 'node:path';

/** One module named by a source file. */
export interface Import {
  readonly specifier: string;
  /** `static` costs start-up time, `dynamic` only when reached, `type` nothing. */
  readonly kind: 'static' | 'dynamic' | 'type';
}

const STRING = String.raw`"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`;
const TEMPLATE = '`(?:\\\\.|[^`\\\\])*`';
const COMMENT = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;

/** The code of a source text: comments blanked out, strings kept. */
export function withoutComments(source: string): string {
  const tokens = new RegExp(`(${STRING}|${TEMPLATE})|${COMMENT}`, 'g');
  return source.replace(tokens, (_, kept: string | undefined) => kept ?? ' ');
}

/** The code of a source text without the content of its strings either; templates stay, for they hold code. */
export function withoutStrings(source: string): string {
  return withoutComments(source).replace(new RegExp(STRING, 'g'), "''");
}

/** Every module that a source text imports, exports from, or imports on demand. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const statements = code.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^'"`;()]*?from\s*['"]([^'"]+)['"]/gm,
  );
  const effects = code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm);
  const demands = code.matchAll(/(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map(([, type, specifier = '']) =>
      found(specifier, type ? 'type' : 'static'),
    ),
    ...[...effects].map(([, specifier = '']) => found(specifier, 'static')),
    ...[...demands].map(([, type, specifier = '']) => found(specifier, type ? 'type' : 'dynamic')),
  ];
}

function found(specifier: string, kind: Import['kind']): Import {
  return { specifier, kind };
}

/** The repository path that a relative specifier names; undefined for a package. */
export function importedPath(importer: string, specifier: string): string | undefined {
  return specifier.startsWith('.')
    ? posix.normalize(posix.join(posix.dirname(importer), specifier))
    : undefined;
}

/** The package that a bare specifier belongs to: `undici` for `undici/types`, `@a/b` for `@a/b/c`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
