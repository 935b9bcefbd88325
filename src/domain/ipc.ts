import { type RecordBatch, RecordBatchReader, Table, tableToIPC } from 'apache-arrow';

/** One record batch as an Arrow IPC file: how batches travel between threads and rest in checkpoints. */
export function encodeBatch(batch: RecordBatch): Uint8Array {
  return tableToIPC(new Table([batch]), 'file');
}

/** The record batches of an Arrow IPC file or stream. The values stay where the bytes are. */
export function decodeBatches(bytes: Uint8Array): RecordBatch[] {
  return [...RecordBatchReader.from(bytes)];
}
