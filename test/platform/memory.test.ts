import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { letGo } from '../../src/platform/memory.ts';

const MEGABYTE = 1e6;

test('buffers that were let go of are collected, once the process is large', async () => {
  const held: Buffer[] = [];
  while (held.length < 320) held.push(Buffer.alloc(MEGABYTE, 1));
  const before = process.memoryUsage.rss();
  assert.ok(before > 320 * MEGABYTE);
  held.length = 0;
  letGo(320 * MEGABYTE);
  // Their memory is given back beside the program.
  for (let waited = 0; waited < 100; waited++) {
    if (process.memoryUsage.rss() < before - 250 * MEGABYTE) return;
    await after(50);
  }
  assert.fail(`${process.memoryUsage.rss()} of ${before} bytes are still resident`);
});
