import type { WrittenFile } from '../jobs/file-contents.ts';
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
 * SQL for DuckDB that makes the view `jobs` of a snapshot's rows, run with the snapshot as working folder. Of NDJSON it
 * says every type: DuckDB would guess them from the first rows, and reads as NULL what first has a value later.
 *
 * @returns undefined where there is only Arrow, which DuckDB itself does not read
 */
export function loadSql(
  files: readonly Pick<WrittenFile, 'name' | 'format'>[],
  columns: readonly LoadColumn[],
): string | undefined {
  const nameOf = (format: string) => files.find((file) => file.format === format)?.name;
  const types = columns.map(({ name, type }) => `  "${name}": '${SQL_TYPES[type]}'`);
  const [parquet, ndjson] = [nameOf('parquet'), nameOf('ndjson')];
  if (parquet === undefined && ndjson === undefined) return undefined;
  const source =
    parquet === undefined
      ? `read_ndjson('${ndjson}', columns = {\n${types.join(',\n')}\n})`
      : `read_parquet('${parquet}')`;
  return [
    `-- The jobs of this snapshot as a view. In its folder: duckdb -init ${LOAD_SQL}`,
    'CREATE OR REPLACE VIEW jobs AS',
    `SELECT * FROM ${source};\n`,
  ].join('\n');
}
