import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Progress, progressLine } from '../../src/cli/reporter.ts';
import type { RunEvent } from '../../src/platform/effects.ts';
import { count, counted, formatSeconds, size } from '../../src/platform/format.ts';
import { MANIFEST, program } from '../support/cli.ts';

const environment = { PASQAL_TOKEN: 'tok-3n' };
const HALF: Progress = {
  type: 'progress',
  jobs: 5000,
  total: 10_000,
  requests: 51,
  retries: 2,
  inFlight: 1,
};

function telling(...events: RunEvent[]) {
  return {
    runExport: async (_: unknown, effects?: { emit?: (event: RunEvent) => void }) => {
      for (const event of events) effects?.emit?.(event);
      return { folder: '/output', manifest: MANIFEST };
    },
  };
}

describe('progress', () => {
  it('is a line of figures', () => {
    assert.equal(
      progressLine(HALF, 1234.5),
      '5,000 of 10,000 jobs, 1,235 jobs/s, 1 request in flight, 2 retries',
    );
  });

  it('is a bar on a terminal, and warnings stand above it', async () => {
    const log = { type: 'log', level: 'warn', message: 'slow, tok-3n' } as const;
    const quiet = { type: 'log', level: 'info', message: 'page' } as const;
    const { stderr } = await program(['export'], {
      environment,
      terminal: true,
      engine: telling(HALF, log, quiet),
    });
    assert.match(
      stderr,
      /\[={10}-{10}\] 50%, ETA \?, 5,000 of 10,000 jobs, .* 1 request in flight, 2 retries/,
    );
    assert.match(stderr, /Z warn {2}slow, \[hidden\]\n/);
    assert.doesNotMatch(stderr, /page|tok-3n/);
    assert.ok(stderr.includes('\u001b[?25h'), 'the cursor is shown again');
  });

  it('is drawn in one line of the terminal, at most ten times a second, and at last as it ended', async () => {
    let now = 0;
    const runExport = async (_: unknown, effects?: { emit?: (event: RunEvent) => void }) => {
      for (const jobs of [0, 2500, 5000, 7500, 10_000]) {
        effects?.emit?.({ ...HALF, jobs });
        now += 50;
      }
      return { folder: '/output', manifest: MANIFEST };
    };
    const { stderr } = await program(['export'], {
      ...{ environment, terminal: true, columns: 40, engine: { runExport }, monotonic: () => now },
    });
    const drawn = stderr.split('\r\u001b[K').slice(1);
    assert.deepEqual(
      drawn.map((line) => /\d+%/.exec(line)?.[0]),
      ['0%', '50%', '100%', '100%'],
    );
    for (const line of drawn) assert.equal(line.split(/[\n\p{Cc}]/u)[0]?.length, 39);
  });

  it('is whole where the terminal does not say how wide it is, and frees the narrowest', async () => {
    for (const columns of [0, 1]) {
      const { stderr } = await program(['export'], {
        ...{ environment, terminal: true, columns, engine: telling(HALF) },
      });
      assert.equal(stderr.includes('ETA'), columns === 0);
      assert.ok(stderr.indexOf('\u001b[?25l') < stderr.lastIndexOf('\u001b[?25h'));
    }
  });

  it('is no bar when there is no terminal, or none is wanted', async () => {
    const engine = telling(HALF, {
      type: 'log',
      level: 'info',
      message: 'page',
      fields: { at: 0 },
    });
    for (const options of [
      { args: ['export'], terminal: false },
      { args: ['export', '--no-progress'], terminal: true },
      { args: ['export', '--log-format', 'json'], terminal: true },
    ]) {
      const { stderr } = await program(options.args, {
        environment,
        engine,
        terminal: options.terminal,
      });
      assert.match(stderr, /page/);
      assert.ok(!stderr.includes('\u001b') && !stderr.includes('%'), stderr);
    }
  });

  it('is a log line every ten seconds without a bar', async () => {
    let now = 0;
    const runExport = async (_: unknown, effects?: { emit?: (event: RunEvent) => void }) => {
      // What a resumed run brings along does not count for the speed.
      for (const fetched of [0, 500, 1000, 1500, 2000, 2500]) {
        effects?.emit?.({ ...HALF, jobs: 4000 + fetched });
        now += 5000;
      }
      return { folder: '/output', manifest: MANIFEST };
    };
    const { stderr } = await program(['export'], {
      environment,
      engine: { runExport },
      monotonic: () => now,
    });
    assert.deepEqual(stderr.match(/[\d,]+ of 10,000 jobs, [\d,]+ jobs\/s/g), [
      '5,000 of 10,000 jobs, 100 jobs/s',
      '6,000 of 10,000 jobs, 100 jobs/s',
    ]);
  });

  it('frees the terminal when the run fails', async () => {
    const runExport = async (_: unknown, effects?: { emit?: (event: RunEvent) => void }) => {
      effects?.emit?.(HALF);
      throw new Error('no');
    };
    const { stderr } = await program(['export'], {
      environment,
      terminal: true,
      engine: { runExport },
    });
    assert.ok(stderr.lastIndexOf('\u001b[?25h') < stderr.indexOf('this is a bug'));
    assert.match(stderr, /\n[^\n]*pasqal-jobs: Error: no; this is a bug/);
  });
});

describe('figures', () => {
  it('are grouped, counted and scaled', () => {
    assert.equal(count(0), '0');
    assert.equal(count(999), '999');
    assert.equal(count(1_234_567), '1,234,567');
    assert.equal(counted(1, 'retry', 'retries'), '1 retry');
    assert.equal(counted(2, 'retry', 'retries'), '2 retries');
    assert.equal(size(999), '999 B');
    assert.equal(size(1000), '1.0 kB');
    assert.equal(size(999_960), '1.0 MB');
    assert.equal(size(2_500_000_000_000_000), '2500.0 TB');
  });

  const cases = [
    [0, '0.0 s'],
    [12.34, '12.3 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 0 s'],
    [3599.4, '59 min 59 s'],
    [3600, '1 h 00 min'],
    [7500, '2 h 05 min'],
  ] as const;
  for (const [seconds, text] of cases) {
    it(`writes ${seconds} as ${text}`, () => assert.equal(formatSeconds(seconds), text));
  }
});
