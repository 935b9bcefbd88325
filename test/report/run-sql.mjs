// Runs a file of SQL in DuckDB, in the working folder, and prints what its queries answer: one array of rows each.
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const connection = await (await DuckDBInstance.create()).connect();
const statements = await connection.extractStatements(readFileSync(process.argv[2], 'utf8'));
const answers = [];
for (let at = 0; at < statements.count; at++) {
  const reader = await (await statements.prepare(at)).runAndReadAll();
  if (reader.columnCount > 1) answers.push(reader.getRowObjectsJson());
}
console.log(JSON.stringify(answers));
