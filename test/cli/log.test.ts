import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LogOptions, openLog } from '../../src/cli/log.ts';

const NOON = Date.UTC(2026, 10, 23, 12);

async function logged(options: Pick<LogOptions, 'level' | 'format'>): Promise<string[]> {
  const lines: string[] = [];
  const log = await openLog({
    ...options,
    clock: { wall: () => NOON },
    line: (text) => lines.push(text),
  });
  log('debug', 'small');
  log('info', 'begun', { offset: 99, path: '/api' });
  log('error', 'broken');
  return lines;
}

describe('the log', () => {
  it('is text with the time, the level and the fields', async () => {
    assert.deepEqual(await logged({ level: 'info', format: 'text' }), [
      '2026-11-23T12:00:00.000Z info  begun offset=99 path=/api',
      '2026-11-23T12:00:00.000Z error broken',
    ]);
  });

  it('is one JSON object a line when asked for', async () => {
    const lines = await logged({ level: 'info', format: 'json' });
    const time = '2026-11-23T12:00:00.000Z';
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        { level: 'info', time, message: 'begun', offset: 99, path: '/api' },
        { level: 'error', time, message: 'broken' },
      ],
    );
  });

  for (const format of ['text', 'json'] as const) {
    it(`holds what is at its level or above, as ${format}`, async () => {
      assert.equal((await logged({ level: 'debug', format })).length, 3);
      assert.equal((await logged({ level: 'warn', format })).length, 1);
      assert.equal((await logged({ level: 'silent', format })).length, 0);
    });
  }
});
