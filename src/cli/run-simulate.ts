import { once } from 'node:events';
import { EXIT, type ExitCode, ExportError, errorCode } from '../platform/errors.ts';
import type { Simulator, SimulatorOptions } from '../simulator/index.ts';
import type { Invocation } from './command.ts';
import { defined } from './defined.ts';
import { count } from './figures.ts';
import { SIMULATE_FLAGS } from './simulate-flags.ts';

/** Accounts of a simulator that requires sign-in: made up, valid nowhere else. */
const ACCOUNT = {
  username: 'demo@example.com',
  password: 'demo-password',
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
} as const;

/** `simulate`: serves generated jobs until the first SIGINT or SIGTERM, which is how it is meant to end. */
export async function runSimulateCommand(invocation: Invocation): Promise<ExitCode> {
  const { settings, context, screen } = invocation;
  const options = await simulatorOptions(invocation);
  const simulator = await started(invocation, options);
  const { url, tokenUrl, port } = simulator;
  screen.print(
    settings.get(SIMULATE_FLAGS.json)
      ? JSON.stringify({ url, tokenUrl, port })
      : welcome(simulator, options),
  );
  if (!context.signal.aborted) await once(context.signal, 'abort');
  await simulator.close();
  return EXIT.ok;
}

async function simulatorOptions({ settings, context }: Invocation): Promise<SimulatorOptions> {
  const { parseDrift, parseFault, parseOddities, parseRateLimit } = await context.simulator();
  const rateLimit = settings.get(SIMULATE_FLAGS.rateLimit);
  const drift = settings.get(SIMULATE_FLAGS.drift);
  return defined({
    jobs: settings.resolve(SIMULATE_FLAGS.jobs),
    seed: settings.resolve(SIMULATE_FLAGS.seed),
    sequenceBytes: settings.resolve(SIMULATE_FLAGS.sequenceBytes),
    oddities: parseOddities(settings.resolve(SIMULATE_FLAGS.oddities)),
    port: settings.resolve(SIMULATE_FLAGS.port),
    latencyMs: settings.resolve(SIMULATE_FLAGS.latency),
    gzip: settings.get(SIMULATE_FLAGS.gzip) ?? false,
    signIn: settings.get(SIMULATE_FLAGS.signIn) ? ACCOUNT : false,
    rateLimit: rateLimit === undefined ? undefined : parseRateLimit(rateLimit),
    faults: settings.get(SIMULATE_FLAGS.faults)?.map(parseFault),
    drift: drift === undefined ? undefined : parseDrift(drift),
  });
}

async function started({ context }: Invocation, options: SimulatorOptions): Promise<Simulator> {
  const { startSimulator } = await context.simulator();
  try {
    return await startSimulator(options);
  } catch (cause) {
    if (errorCode(cause) !== 'EADDRINUSE' && errorCode(cause) !== 'EACCES') throw cause;
    throw new ExportError(
      `cannot listen on port ${options.port} (${errorCode(cause)}); choose another, or leave --port out for a free one`,
      { exitCode: EXIT.usage, stage: 'cli', cause },
    );
  }
}

function welcome({ url, tokenUrl }: Simulator, { jobs = 0, signIn }: SimulatorOptions): string {
  const account = [
    `PASQAL_TOKEN_URL=${tokenUrl}`,
    `PASQAL_USERNAME=${ACCOUNT.username}`,
    `PASQAL_PASSWORD=${ACCOUNT.password} `,
  ].join(' ');
  return [
    `serving ${count(jobs)} generated jobs on ${url}`,
    `export them: ${signIn ? account : ''}pasqal-jobs export --api-url ${url}`,
    'stop with Ctrl-C',
  ].join('\n');
}
