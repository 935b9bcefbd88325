import assert from 'node:assert/strict';
import { ExportError } from '../../src/platform/errors.ts';

/** The `ExportError` that `work` ends with; anything else fails the test. */
export async function rejection(work: Promise<unknown> | (() => unknown)): Promise<ExportError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (thrown) {
    assert.ok(thrown instanceof ExportError, `expected an ExportError, got ${thrown}`);
    return thrown;
  }
  return assert.fail('expected an ExportError, and nothing was thrown');
}
