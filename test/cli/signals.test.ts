import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { signalOf } from '../../src/cli/program.ts';
import { ExportError } from '../../src/platform/errors.ts';

describe('a signal', () => {
  for (const [name, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`stops the run cleanly, and a second one at once: ${name}`, () => {
      const source = new EventEmitter();
      const exits: number[] = [];
      const signal = signalOf(source, (code) => exits.push(code));
      assert.equal(signal.aborted, false);
      source.emit(name);
      assert.ok(signal.reason instanceof ExportError);
      assert.equal(signal.reason.exitCode, exitCode);
      assert.equal(signal.reason.retryable, true);
      assert.match(signal.reason.message, /run the same command again/);
      assert.deepEqual(exits, []);
      source.emit(name);
      assert.deepEqual(exits, [exitCode]);
    });
  }

  it('of another kind as the second one ends the process with its own code', () => {
    const source = new EventEmitter();
    const exits: number[] = [];
    signalOf(source, (code) => exits.push(code));
    source.emit('SIGINT');
    source.emit('SIGTERM');
    assert.deepEqual(exits, [143]);
  });
});
