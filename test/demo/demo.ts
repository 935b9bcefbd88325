import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { queryTable } from './table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const JOBS = 5000;

const LATEST = `${ROOT}output/jobs/latest/manifest.json`;

const QUESTION = `
  SELECT status,
         count(*) AS jobs,
         format('{:.1f}', median(queue_seconds) / 60) AS "median queue, min",
         format('{:.1f}', quantile_cont(queue_seconds, 0.95) / 60) AS "95% queue, min",
         format('{:.1f}', median(run_seconds)) AS "median run, s",
         sum(error_count)::BIGINT AS errors
  FROM 'output/jobs/latest/jobs.parquet'
  WHERE len(anomalies) = 0
  GROUP BY status
  ORDER BY jobs DESC`;

/** `latest` names one snapshot: generated jobs must not take the place of real ones. */
async function refuseToHideRealJobs(): Promise<void> {
  const manifest = await readFile(LATEST, 'utf8').catch(() => '{}');
  const { apiUrl } = JSON.parse(manifest);
  if (apiUrl === undefined || new URL(apiUrl).hostname === '127.0.0.1') return;
  console.error(
    `output/jobs/latest holds jobs of ${apiUrl}, which the demo would hide behind generated ones. Move output/jobs away first.`,
  );
  process.exit(1);
}

const PROGRAM = ['dist/src/cli/main.js'];
const SIMULATOR = ['--import', 'tsx', 'test/simulator/main.ts'];

/** Runs a program without what this shell may have set for real exports. */
function run(args: readonly string[], stdout: 'inherit' | 'pipe'): ChildProcess {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PASQAL_'));
  return spawn(process.execPath, args, {
    cwd: ROOT,
    env: Object.fromEntries(kept),
    stdio: ['ignore', stdout, 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('its stdout is not piped');
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the simulator ended early with exit code ${code}`);
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  return String(line);
}

await refuseToHideRealJobs();
const simulate = ['--jobs', String(JOBS), '--oddities', 'all', '--json'];
const simulator = run([...SIMULATOR, ...simulate], 'pipe');
try {
  const { url } = JSON.parse(await firstLine(simulator));
  console.log(`A simulator serves ${JOBS} jobs on ${url}.`);
  console.log(
    'They are GENERATED: made up from a seed, about one in ten of them odd on purpose.\n',
  );
  console.log(`$ pasqal-jobs export --report --api-url ${url}`);
  const [code] = await once(
    run([...PROGRAM, 'export', '--report', '--api-url', url], 'inherit'),
    'exit',
  );
  process.exitCode = code ?? 1;
  if (code === 0) {
    console.log('\nQueue and run times of the generated jobs, asked of jobs.parquet with DuckDB:');
    console.log(`${QUESTION.replace(/^\n/, '')};\n`);
    console.log(await queryTable(ROOT, QUESTION));
    console.log(`\nA page to look at: file://${ROOT}output/jobs/latest/report.html`);
    console.log('Next: README.md "Real jobs" tells how to export those of an account.');
  }
} finally {
  simulator.kill('SIGTERM');
}
