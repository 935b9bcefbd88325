import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { count, type Stats } from './stats.ts';

/** One request and its answer in the making. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly stats: Stats;
}

const gzipped = promisify(gzip);
const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends a whole body with its length. */
export function send(
  { response, stats }: Exchange,
  status: number,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): void {
  count(stats.statuses, status);
  if (status === 429) stats.refusals += 1;
  stats.bytes += body.length;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

/** Sends a good body given in pieces, compressed if that is wanted. */
export async function sendPieces(
  exchange: Exchange,
  pieces: readonly Buffer[],
  headers: OutgoingHttpHeaders,
  compress: boolean,
): Promise<void> {
  const { response, stats } = exchange;
  if (compress) {
    const zip = await gzipped(Buffer.concat(pieces), { level: 1 });
    return send(exchange, 200, zip, { ...JSON_TYPE, ...headers, 'content-encoding': 'gzip' });
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  count(stats.statuses, 200);
  stats.bytes += length;
  response.writeHead(200, { ...JSON_TYPE, ...headers, 'content-length': length });
  for (const piece of pieces) response.write(piece);
  response.end();
}

/** Sends a value as JSON. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  send(exchange, status, Buffer.from(JSON.stringify(value)), { ...JSON_TYPE, ...headers });
}

/** Sends a body piece by piece, in chunks, as fast as the client takes them. A client that leaves ends it. */
export async function sendChunks(
  { response, stats }: Exchange,
  chunks: Iterable<Buffer>,
  headers: OutgoingHttpHeaders,
  compress: boolean,
): Promise<void> {
  count(stats.statuses, 200);
  const encoding = compress ? { 'content-encoding': 'gzip' } : {};
  response.writeHead(200, { ...JSON_TYPE, ...headers, ...encoding });
  const source = Readable.from(counted(chunks, stats));
  try {
    await (compress
      ? pipeline(source, createGzip({ level: 1 }), response)
      : pipeline(source, response));
  } catch {
    response.destroy();
  }
}

function* counted(chunks: Iterable<Buffer>, stats: Stats): Generator<Buffer> {
  for (const chunk of chunks) {
    stats.bytes += chunk.length;
    yield chunk;
  }
}

/** True when the client says it can read gzip. */
export function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
}
