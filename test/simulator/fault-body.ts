import { gzipSync } from 'node:zlib';
import type { BodyFault } from './fault-kinds.ts';

export interface SpoiltBody {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const HTML = '<!doctype html><html><body><h1>Down for maintenance</h1></body></html>';
const SEQUENCE = '"sequence":"';
const JSON_TYPE = { 'content-type': 'application/json' };

/** The bytes and headers to send, with status 200 and a correct Content-Length, instead of a good JSON body. */
export function spoilBody(fault: BodyFault, good: Buffer): SpoiltBody {
  switch (fault) {
    case 'html':
      return { body: Buffer.from(HTML), headers: { 'content-type': 'text/html' } };
    case 'invalid-json':
      return { body: good.subarray(0, good.length - 2), headers: JSON_TYPE };
    case 'empty-json':
      return { body: Buffer.from('{}'), headers: JSON_TYPE };
    case 'empty-body':
      return { body: Buffer.alloc(0), headers: JSON_TYPE };
    case 'truncated-gzip':
      return zipped(good, (zip) => zip.subarray(0, Math.floor(zip.length / 2)));
    case 'corrupt-gzip':
      return zipped(good, flipMiddle);
    case 'invalid-utf8':
      return { body: withInvalidByte(good), headers: JSON_TYPE };
  }
}

function zipped(good: Buffer, spoil: (zip: Buffer) => Buffer): SpoiltBody {
  return {
    body: spoil(gzipSync(good, { level: 1 })),
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
  };
}

function flipMiddle(zip: Buffer): Buffer {
  const middle = Math.floor(zip.length / 2);
  zip[middle] ^= 0xff;
  return zip;
}

/** Puts a byte that UTF-8 never holds into the first sequence, else into the last text there is. */
function withInvalidByte(good: Buffer): Buffer {
  const sequence = good.indexOf(SEQUENCE);
  const at = sequence < 0 ? good.lastIndexOf('"') : sequence + SEQUENCE.length;
  return Buffer.concat([good.subarray(0, at), Buffer.of(0xff), good.subarray(at)]);
}
