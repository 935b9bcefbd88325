import { DuckDBInstance } from '@duckdb/node-api';

/** Asks DuckDB, with relative paths starting at `folder`, and lays the answer out as a text table. */
export async function queryTable(folder: string, sql: string): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`SET file_search_path = '${folder.replaceAll("'", "''")}'`);
    const answer = await connection.runAndReadAll(sql);
    const rows = answer.getRowsJson().map((row) => row.map((value) => String(value ?? '')));
    return layOut([answer.columnNames(), ...rows]);
  } finally {
    connection.closeSync();
  }
}

/** Columns as wide as their widest cell; the first to the left, figures to the right. */
function layOut(rows: readonly (readonly string[])[]): string {
  const [heading = []] = rows;
  const widths = heading.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  '),
    )
    .join('\n');
}
