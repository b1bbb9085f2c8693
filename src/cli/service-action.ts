import { constants } from 'node:os';
import { isFinitError } from '../errors.js';
import * as services from '../services/index.js';
import * as system from '../system/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { parseDuration } from './duration.js';
import { PATIENCE } from './flags.js';
import type { OptionValues } from './options.js';

const wait = { timeout: PATIENCE };

type Act = (names: string[], options: services.ActOptions) => Promise<void>;

const WAITING = `  -w, --wait[=STATE]  wait until they are ready (stop: stopped; runs and tasks: done), or running, ready, stopped or done
      --timeout TIME  for how long: 10s, 500ms, 2m, 1h; default: 60s`;

/** What is waited for, and how long. */
function patience({ wait: target, timeout }: OptionValues): services.ActOptions {
  if (timeout !== undefined && target === undefined) throw new UsageError('--timeout goes with --wait');
  if (target === undefined) return wait;
  if (target !== true && !isTarget(target))
    throw new UsageError(`no state to wait for: ${target}; running, ready, stopped and done are`);
  return { wait: target, ...(typeof timeout === 'string' && { timeout: parseDuration(timeout) }) };
}

function isTarget(text: string): text is services.WaitTarget {
  return ['running', 'ready', 'stopped', 'done'].includes(text);
}

function action(name: string, act: Act, what: string, otherwise: number): Command {
  return {
    help: `Usage: node-finit ${name} [--wait[=STATE]] NAME[:ID]…

${what} A NAME without :ID means all with that name. It is done when finit has accepted it, or with --wait when they
have got there.

${WAITING}
  -n, --noerr         exit with 0 when there is no such service
  -q, --quiet         no messages

Exit codes: 0 accepted, or got there; 1 they cannot get there; 2 no NAME; 69 no such service (then nothing has been done), or no finit;
124 the time is over; ${otherwise} finit said no.`,
    async run(args, options) {
      const names = splitJobs(args);
      if (names.length === 0) throw new UsageError(`expected: ${name} NAME[:ID]…`);
      await ordered(act, names, options, otherwise);
      return EXIT.ok;
    },
  };
}

/** initctl passes an argument on as it is, and finit takes `a b:1` in one as two. */
function splitJobs(args: readonly string[]): string[] {
  return args.flatMap((arg) => arg.split(/\s+/)).filter((arg) => arg !== '');
}

/** With --wait there is more that can go wrong than a no. */
async function ordered(act: Act, names: string[], options: OptionValues, otherwise: number): Promise<void> {
  const order = act(names, patience(options));
  if (options.wait === undefined) await accepted(order, otherwise);
  else await order;
}

/** finit's no, or its silence, as an exit code. */
async function accepted(
  request: Promise<unknown>,
  otherwise: number,
  notThere: number = EXIT.unknownService,
) {
  try {
    await request;
  } catch (error) {
    if (!isFinitError(error) || PASSED_ON.includes(error.code)) throw error;
    // initctl asks for the name first, and takes what is no answer for a no.
    const code = error.code === 'FINIT_NOT_RUNNING' ? notThere : otherwise;
    throw new Failure(code, error.message, { cause: error, ignorable: otherwise !== EXIT.refused });
  }
}

const PASSED_ON: readonly string[] = [
  'FINIT_UNKNOWN_SERVICE',
  'FINIT_INVALID_ARGUMENT',
  'FINIT_SERVICE_FAILED',
];

export const start = action(
  'start',
  services.start,
  'Starts services, and lifts what kept them from running.',
  EXIT.refused,
);
export const stop = action(
  'stop',
  services.stop,
  'Stops services until they are started again.',
  EXIT.refused,
);
export const restart = action('restart', services.restart, 'Stops and starts services.', EXIT.restartFailed);

export const reload: Command = {
  help: `Usage: node-finit reload [--wait[=STATE]] [NAME[:ID]…]

Makes finit read its configuration again; or reloads services as if their stanzas had changed, with SIGHUP for those that take it, else
by a stop and a start, without reading any file. A NAME without :ID means all with that name.

${WAITING}
  -n, --noerr         exit with 0 when there is no such service
  -q, --quiet         no messages

Exit codes: 0 accepted; 1, 124 with --wait as for start; 69 no such service; 255 finit said no, or there is none.`,
  async run(args, options) {
    const names = splitJobs(args);
    if (names.length === 0) await accepted(system.reload(wait), EXIT.refused, EXIT.refused);
    else await ordered(services.reload, names, options, EXIT.refused);
    return EXIT.ok;
  },
};

export const kill: Command = {
  help: `Usage: node-finit kill NAME[:ID] SIGNAL

Sends a signal to the main process of a service: a name in upper or lower case, with or without SIG, or a number from 1 to 31.

  -n, --noerr  exit with 0 when there is no such service
  -q, --quiet  no messages

Exit codes: 0 sent; 2 not two arguments; 65 no such signal; 69 no such service, or no finit; 255 it is not running.`,
  async run(args) {
    const [name, text] = args;
    if (name === undefined || text === undefined || args.length > 2)
      throw new UsageError('expected: kill NAME[:ID] SIGNAL');
    const number = signalOf(text);
    // initctl complains of the name first.
    if (number === undefined) {
      await accepted(services.get(name, wait), EXIT.refused);
      throw new Failure(EXIT.badSignal, `invalid signal: ${text}`);
    }
    await accepted(services.signal(name, number, wait), EXIT.refused);
    return EXIT.ok;
  },
};

/** str2sig() in src/util.c, and a number. */
function signalOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 31 ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = constants.signals[`SIG${name}` as NodeJS.Signals];
  return number <= 31 ? number : undefined;
}
