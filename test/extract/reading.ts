import assert from 'node:assert/strict';
import { type Completeness, Extraction, type RowChunk } from '../../src/extract/extraction.ts';
import { idOf } from '../../src/extract/ledger.ts';
import type { ListReader } from '../../src/extract/list.ts';
import type { FetchPage } from '../../src/extract/page.ts';

export function readerOf(fetchPage: FetchPage, pageSize = 100, windows = 24): ListReader {
  const readAhead = { windows, bytes: 1e9 };
  return { fetchPage, pageSize, readAhead, signal: new AbortController().signal };
}

/** What an extraction came to. */
export interface Reading {
  readonly chunks: RowChunk[];
  /** How often each job was handed out. */
  readonly ids: ReadonlyMap<string, number>;
  readonly completeness: Completeness;
}

/** Extracts all there is. */
export async function readAll(reader: ListReader): Promise<Reading> {
  const extraction = new Extraction({ reader, idPrefix: '', emit: () => {} });
  const chunks: RowChunk[] = [];
  const ids = new Map<string, number>();
  for await (const chunk of extraction.chunks()) {
    chunks.push(chunk);
    const said = new Set(chunk.again);
    for (const id of chunk.rows.map(idOf)) {
      assert.equal(ids.has(id), said.has(id), `${id} came before, or did not`);
      ids.set(id, (ids.get(id) ?? 0) + 1);
    }
  }
  if (!extraction.completeness) throw new Error('no verdict');
  return { chunks, ids, completeness: extraction.completeness };
}
