import { type Import, importedPath, importsOf, packageOf, withoutStrings } from './imports.ts';

export const STAGES = ['extract', 'transform', 'store', 'load', 'publish', 'report'] as const;

export const MOST_LINES = 400;

/** Where a package may be imported. Packages that are not listed may be imported anywhere. */
const PACKAGE_HOMES: Readonly<Record<string, RegExp>> = {
  undici: /^src\/extract\//,
  'p-limit': /^src\/extract\//,
  'parquetjs-lite': /^src\/load\/parquet/,
  '@bokuweb/zstd-wasm': /^src\/load\/parquet/,
  hyparquet: /^src\/load\//,
  fzstd: /^src\/load\//,
  '@duckdb/node-api': /^src\/report\//,
  echarts: /^src\/report\//,
  yargs: /^src\/cli\//,
  'node:http': /^test\//,
  'node:https': /^test\//,
};

/** Where a file may import from. The first pattern that matches the importer decides. */
const NEIGHBOURS: readonly (readonly [importer: RegExp, allowed: RegExp])[] = [
  [/^pipelines\//, /^src\/jobs\//],
  [/^src\/(?:jobs|json|platform)\//, /^src\/(?:jobs|json|platform)\//],
  ...STAGES.map(
    (stage) =>
      [new RegExp(`^src/${stage}/`), new RegExp(`^src/(?:jobs|json|platform|${stage})/`)] as const,
  ),
  [
    /^src\/cli\//,
    /^src\/(?:jobs\/|json\/|platform\/|cli\/|run\/(?:options|values)\.ts$|index\.ts$)/,
  ],
  [/^src\/run\//, /^src\/(?!cli\/|index\.ts)/],
  [/^src\/index\.ts$/, /^src\/(?!cli\/)/],
];

/** What of the process only the command line may touch. */
const PROCESS = /\bprocess\s*\.\s*(?:argv|env|exit|exitCode|stdin|stdout|stderr)\b|\bconsole\s*\./;

/** Modules that the command line may import on demand only, so that `--help` stays quick. */
const HEAVY = /^src\/index\.ts|^(?:apache-arrow|undici)$/;

/**
 * What in a source file breaks the rules of the design ("Rules that a test enforces").
 *
 * @param path of the file in the repository
 * @returns one sentence a violation
 */
export function violations(path: string, source: string): string[] {
  const code = withoutStrings(source);
  const lines = source.trimEnd().split('\n').length;
  return [
    ...importsOf(source).flatMap((found) => importViolations(path, found)),
    ...(!path.startsWith('src/cli/') && PROCESS.test(code)
      ? [`${path} touches the process or the console, which is for src/cli/`]
      : []),
    ...(!path.startsWith('src/cli/') && /from\s*['"](?:node:)?process['"]/.test(source)
      ? [`${path} imports the process, which is for src/cli/`]
      : []),
    ...(lines > MOST_LINES ? [`${path} has ${lines} lines, ${MOST_LINES} at most`] : []),
  ];
}

function importViolations(path: string, { specifier, kind }: Import): string[] {
  const target = importedPath(path, specifier);
  const name = target ?? packageOf(specifier);
  if (target !== undefined && !/^(?:src|pipelines)\//.test(target)) {
    return [`${path} imports ${target}, outside the product`];
  }
  const allowed = NEIGHBOURS.find(([importer]) => importer.test(path))?.[1];
  if (target !== undefined && !allowed?.test(target)) return [`${path} may not import ${target}`];
  const home = target === undefined ? PACKAGE_HOMES[name] : undefined;
  if (home && !home.test(path)) return [`${path} may not import the package ${name}`];
  if (path.startsWith('src/cli/') && kind === 'static' && HEAVY.test(name)) {
    return [`${path} imports ${name} at start-up; import it on demand`];
  }
  return [];
}
