import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Exchange, sendChunks } from './answer.ts';
import type { FramingFault } from './fault-kinds.ts';
import { count } from './stats.ts';

/** How far `long-length` overstates the body, bytes. */
const OVERSTATED = 1000;
const CHUNK = Buffer.alloc(65_536, 'a');

/**
 * Sends a good body so that HTTP's framing breaks. Where the answer never ends, the connection is closed, or left
 * hanging until the client or `close()` ends it.
 */
export async function sendBroken(
  fault: FramingFault,
  exchange: Exchange,
  body: Buffer,
  headers: OutgoingHttpHeaders,
  oversizeBytes: number,
): Promise<void> {
  const { response, stats } = exchange;
  if (fault === 'oversize') return sendChunks(exchange, oversized(oversizeBytes), headers, false);
  count(stats.statuses, 200);
  const type = { 'content-type': 'application/json', ...headers };
  const half = body.subarray(0, Math.floor(body.length / 2));
  switch (fault) {
    case 'reset-mid-body':
      response.writeHead(200, { ...type, 'content-length': body.length });
      response.write(half, () => response.socket?.resetAndDestroy());
      break;
    case 'hang-mid-body':
      response.writeHead(200, { ...type, 'content-length': body.length });
      response.write(half);
      break;
    case 'truncated':
      response.writeHead(200, { ...type, 'content-length': body.length });
      writeAndClose(response, half);
      break;
    case 'long-length':
      response.writeHead(200, { ...type, 'content-length': body.length + OVERSTATED });
      writeAndClose(response, body);
      break;
    case 'chunked-cut':
      response.writeHead(200, type);
      writeAndClose(response, half);
      break;
    case 'unframed-cut':
      response.removeHeader('transfer-encoding');
      response.writeHead(200, type);
      response.end(half);
      break;
    case 'short-length':
      response.writeHead(200, { ...type, 'content-length': half.length });
      response.end(body);
      break;
  }
}

function writeAndClose(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => response.socket?.destroySoon());
}

/** Valid JSON of one job with an endless sequence. */
function* oversized(bytes: number): Generator<Buffer> {
  yield Buffer.from('{"status":"success","message":"OK.","code":"200","data":[{"sequence":"');
  for (let sent = 0; sent < bytes; sent += CHUNK.length) yield CHUNK;
  yield Buffer.from('"}],"pagination":{"total":1,"start":0,"end":1}}');
}
