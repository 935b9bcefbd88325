import assert from 'node:assert/strict';
import test from 'node:test';
import { letGo } from '../../src/platform/memory.ts';

const MEGABYTE = 1e6;

test('buffers that were let go of are collected, once the process is large', () => {
  const held: Buffer[] = [];
  while (held.length < 320) held.push(Buffer.alloc(MEGABYTE, held.length));
  assert.ok(process.memoryUsage.rss() > 300 * MEGABYTE);
  assert.ok(process.memoryUsage().arrayBuffers > 300 * MEGABYTE);
  held.length = 0;
  letGo(300 * MEGABYTE);
  assert.ok(process.memoryUsage().arrayBuffers < 50 * MEGABYTE);
});
