import { CHANGE_COLUMNS, CHANGES_PREFIX } from '../jobs/columns.ts';
import type { PublishedFile } from '../jobs/manifest.ts';
import type { LoadColumn } from './encoder.ts';

export const LOAD_SQL = 'load.sql';

/** DuckDB's type of each type of column: the one that it finds in the Parquet file. */
const SQL_TYPES: Readonly<Record<LoadColumn['type'], string>> = {
  string: 'VARCHAR',
  json: 'VARCHAR',
  int64: 'BIGINT',
  float64: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  strings: 'VARCHAR[]',
};

/**
 * SQL for DuckDB that makes the view `jobs` of a snapshot's rows, and `changes` where there are some, run with the snapshot
 * as working folder. Of NDJSON it says every type: DuckDB would guess them from the first rows, and reads as NULL what
 * first has a value later.
 *
 * @returns undefined where there is only Arrow, which DuckDB itself does not read
 */
export function loadSql(
  files: readonly Pick<PublishedFile, 'name' | 'format'>[],
  columns: readonly LoadColumn[],
): string | undefined {
  const nameOf = (format: string) => files.find((file) => file.format === format)?.name;
  const view = (
    name: string,
    what: string,
    prefix: string,
    of: readonly LoadColumn[],
  ): string[] => {
    const [parquet, ndjson] = [nameOf(`${prefix}parquet`), nameOf(`${prefix}ndjson`)];
    const types = of.map((column) => `  "${column.name}": '${SQL_TYPES[column.type]}'`);
    const source =
      parquet === undefined
        ? `read_ndjson('${ndjson}', columns = {\n${types.join(',\n')}\n})`
        : `read_parquet('${parquet}')`;
    if (parquet === undefined && ndjson === undefined) return [];
    return [`-- ${what}`, `CREATE OR REPLACE VIEW ${name} AS`, `SELECT * FROM ${source};\n`];
  };
  const how = `The jobs of this snapshot as a view. In its folder: duckdb -init ${LOAD_SQL}`;
  const lines = [
    ...view('jobs', how, '', columns),
    ...view('changes', 'What changed since the last one.', CHANGES_PREFIX, [
      ...CHANGE_COLUMNS,
      ...columns,
    ]),
  ];
  return lines.length === 0 ? undefined : lines.join('\n');
}
