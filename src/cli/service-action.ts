import { constants } from 'node:os';
import { isFinitError } from '../errors.js';
import * as services from '../services/index.js';
import * as system from '../system/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { PATIENCE } from './flags.js';

const wait = { timeout: PATIENCE };

type Act = (names: string[], options: services.CallOptions) => Promise<void>;

function action(name: string, act: Act, what: string, otherwise: number): Command {
  return {
    help: `Usage: node-finit ${name} NAME[:ID]…

${what} A NAME without :ID means all with that name. It is done when finit has accepted it.

  -n, --noerr  exit with 0 when there is no such service
  -q, --quiet  no messages

Exit codes: 0 accepted; 2 no NAME; 69 no such service (then nothing has been done), or no finit; ${otherwise} finit said no.`,
    async run(args) {
      const names = splitJobs(args);
      if (names.length === 0) throw new UsageError(`expected: ${name} NAME[:ID]…`);
      await accepted(act(names, wait), otherwise);
      return EXIT.ok;
    },
  };
}

/** initctl passes an argument on as it is, and finit takes `a b:1` in one as two. */
function splitJobs(args: readonly string[]): string[] {
  return args.flatMap((arg) => arg.split(/\s+/)).filter((arg) => arg !== '');
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

const PASSED_ON: readonly string[] = ['FINIT_UNKNOWN_SERVICE', 'FINIT_INVALID_ARGUMENT'];

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
  help: `Usage: node-finit reload [NAME[:ID]…]

Makes finit read its configuration again; or reloads services as if their stanzas had changed, with SIGHUP for those that take it, else
by a stop and a start, without reading any file. A NAME without :ID means all with that name.

  -n, --noerr  exit with 0 when there is no such service
  -q, --quiet  no messages

Exit codes: 0 accepted; 69 no such service; 255 finit said no, or there is none.`,
  async run(args) {
    const names = splitJobs(args);
    if (names.length === 0) await accepted(system.reload(wait), EXIT.refused, EXIT.refused);
    else await accepted(services.reload(names, wait), EXIT.refused);
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
