// make simulate ARGS="--jobs 100000 --fault 503=0.05": serves generated jobs the way the API does, until interrupted.
import { once } from 'node:events';
import yargs from 'yargs';
import { ORDER_COLUMNS, type Simulator, startSimulator } from './index.ts';
import {
  parseDrift,
  parseEnd,
  parseFault,
  parseLatency,
  parseOddities,
  parsePlants,
  parseRateLimit,
} from './parse-options.ts';
import { SimulatorError } from './values.ts';

/** Accounts of a simulator that requires sign-in: made up, valid nowhere else. */
const ACCOUNT = {
  username: 'demo@example.com',
  password: 'demo-password',
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
} as const;

const EXIT_USAGE = 64;

const MOST = 50_000_000;
const JOBS = 'Generated jobs:';
const SERVER = 'Server:';

const line = yargs(process.argv.slice(2))
  .scriptName('make simulate')
  .usage('$0 ARGS="[flags]"\n\nServes generated jobs the way the API does, until interrupted.')
  .options({
    jobs: {
      group: JOBS,
      default: 1000,
      coerce: whole(MOST),
      describe: 'Jobs in the list at the start',
    },
    seed: {
      group: JOBS,
      default: 1,
      coerce: whole(0xffff_ffff),
      describe: 'The same seed makes the same jobs, faults and changes',
    },
    'sequence-bytes': {
      group: JOBS,
      default: 100,
      coerce: whole(100_000_000),
      describe: 'Length of the sequence of each job, bytes',
    },
    end: {
      group: JOBS,
      string: true,
      coerce: given(parseEnd),
      describe: 'Where the history ends, such as 2026-11-25T02:00:00Z [default: now]',
    },
    history: {
      group: JOBS,
      coerce: given(whole(MOST)),
      describe:
        'Jobs created up to the end; keep it and --end, and more --jobs adds newer ones only [default: --jobs]',
    },
    'largest-batch': {
      group: JOBS,
      coerce: given(whole(MOST)),
      describe: 'Jobs of a batch at most; they share their created_at [default: 400]',
    },
    oddities: {
      group: JOBS,
      default: 'none',
      coerce: parseOddities,
      describe: 'Rare payloads in one job of ten: all, none, or kinds, comma separated',
    },
    plant: {
      group: JOBS,
      string: true,
      coerce: given(parsePlants),
      describe: 'Oddities of single jobs by position, such as 1234=variables-nan,70=giant',
    },
    'giant-bytes': {
      group: JOBS,
      default: 70_000_000,
      coerce: whole(200_000_000),
      describe: 'Length of the sequence of a giant job, bytes',
    },
    port: { group: SERVER, default: 0, coerce: whole(65_535), describe: '0 takes a free one' },
    latency: {
      group: SERVER,
      default: '0ms',
      coerce: parseLatency,
      describe: 'Delay of each page, such as 50ms or 2s',
    },
    gzip: { group: SERVER, boolean: true, default: false, describe: 'Compress pages' },
    'sign-in': {
      group: SERVER,
      boolean: true,
      default: false,
      describe: 'Require a token, and issue some',
    },
    'rate-limit': {
      group: SERVER,
      string: true,
      coerce: given(parseRateLimit),
      describe: 'Requests a second, such as 20 or 20,burst=5,retry-after=date',
    },
    fault: {
      group: SERVER,
      string: true,
      array: true,
      default: [],
      coerce: (lists: readonly string[]) =>
        lists.flatMap((list) => list.split(',')).map((fault) => parseFault(fault)),
      describe: 'What goes wrong and how often, such as 503=0.05,truncated=0.01',
    },
    drift: {
      group: SERVER,
      string: true,
      coerce: given(parseDrift),
      describe: 'Changes of the list while it is read, such as every=10,insert=3,delete=1',
    },
    ties: {
      group: SERVER,
      choices: ['stable', 'shuffled'] as const,
      default: 'stable' as const,
      describe: 'shuffled: jobs that tie are in another order in every answer',
    },
    'refuse-order': {
      group: SERVER,
      array: true,
      choices: ORDER_COLUMNS,
      default: [],
      describe: 'Columns that order_by may not name (422)',
    },
    'cap-total': { group: SERVER, coerce: given(whole(MOST)), describe: 'Largest total told' },
    'cap-reach': {
      group: SERVER,
      coerce: given(whole(MOST)),
      describe: 'Rows beyond are not shown',
    },
    json: {
      boolean: true,
      default: false,
      describe: 'Print address and account as one JSON object',
    },
  })
  .requiresArg([
    'jobs',
    'seed',
    'sequence-bytes',
    'end',
    'history',
    'largest-batch',
    'oddities',
    'plant',
  ])
  .requiresArg(['giant-bytes', 'port', 'latency', 'rate-limit', 'fault', 'drift'])
  .requiresArg(['ties', 'refuse-order', 'cap-total', 'cap-reach'])
  .strict()
  .version(false)
  .fail((message, error) => refuse(message ?? error.message));

function given<A, T>(parse: (text: A) => T): (text: A | undefined) => T | undefined {
  return (text) => (text === undefined ? undefined : parse(text));
}

function whole(most: number): (value: unknown) => number {
  return (value) => {
    if (/^\d+$/.test(String(value)) && Number(value) <= most) return Number(value);
    throw new SimulatorError(`expected a whole number from 0 to ${most}, got '${value}'`);
  };
}

function refuse(problem: string): never {
  console.error(problem);
  process.exit(EXIT_USAGE);
}

function welcome({ url, tokenUrl }: Simulator, jobs: number, signIn: boolean): string {
  const { username, password } = ACCOUNT;
  const account = `PASQAL_TOKEN_URL=${tokenUrl} PASQAL_USERNAME=${username} PASQAL_PASSWORD=${password} `;
  return [
    `serving ${jobs.toLocaleString('en')} generated jobs on ${url}`,
    `export them: ${signIn ? account : ''}pasqal-jobs export --api-url ${url}`,
    'stop with Ctrl-C',
  ].join('\n');
}

const { jobs, seed, sequenceBytes, oddities, port, latency, gzip, signIn, json, ...rest } =
  await line.parse();
const {
  plant,
  giantBytes,
  rateLimit,
  fault,
  drift,
  ties,
  end,
  history,
  largestBatch,
  refuseOrder,
  capTotal,
  capReach,
} = rest;

async function started(): Promise<Simulator> {
  try {
    return await startSimulator({
      ...{ jobs, seed, sequenceBytes, oddities, port, latencyMs: latency, gzip, faults: fault },
      ...{ ties, refuseOrders: refuseOrder, signIn: signIn ? ACCOUNT : false },
      end: end ?? Date.now() * 1000,
      giantBytes,
      ...(plant && { planted: plant }),
      ...(history !== undefined && { history }),
      ...(largestBatch !== undefined && { largestBatch }),
      ...(capTotal !== undefined && { totalCap: capTotal }),
      ...(capReach !== undefined && { reachCap: capReach }),
      ...(rateLimit && { rateLimit }),
      ...(drift && { drift }),
    });
  } catch (error) {
    const { code, message } = Object(error);
    if (error instanceof SimulatorError) refuse(message);
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    refuse(`cannot listen on port ${port} (${code}); choose another, or leave --port out`);
  }
}

const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const simulator = await started();
const { url, tokenUrl } = simulator;
const address = { url, tokenUrl, port: simulator.port, ...(signIn && ACCOUNT) };
console.log(json ? JSON.stringify(address) : welcome(simulator, jobs, signIn));
await ended;
await simulator.close();
