import * as conditions from '../conditions/index.js';
import { isFinitError } from '../errors.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { condDump, condStatus } from './cond-format.js';
import { tableStyle } from './flags.js';
import type { OptionValues } from './options.js';
import { print } from './output.js';
import { table } from './style.js';

/** What `cond` may be followed by, and what that does. */
const ACTIONS: Record<string, (names: string[], options: OptionValues) => Promise<number>> = {
  status: condStatus,
  dump: condDump,
  get: eachName(get),
  set: (names) => change('set', names),
  clear: (names) => change('clear', names),
  clr: (names) => change('clear', names),
  list,
};

export const command: Command = {
  help: `Usage: node-finit cond [status]
       node-finit cond dump [BEGINNING…]
       node-finit cond get NAME…
       node-finit cond set|clear NAME…
       node-finit cond list [PATTERN…]

status shows the services that have conditions, and the state of those; dump all conditions that are on or in flux, with who
asserts them, or those whose names begin with BEGINNING (service/, usr/). list shows names and states only, without asking finit:
in a PATTERN * stands for anything between two slashes, ** for any number of segments.

A bare NAME means usr/NAME, and only those can be set and cleared.

  -j, --json        status, dump: an array; list: one object for each line
  -p, --plain       a line of = below the heading, no colours
  -t, --no-heading  no heading
  -v, --verbose     get: print on, off or flux
  -q, --quiet       no messages

Exit codes, those of initctl. get: 0 on, 1 off, 255 in flux. set, clear: 2 not such a name, 73 it could not be done.`,
  async run([action = 'status', ...names], options) {
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act === undefined)
      throw new Failure(
        EXIT.unknownCommand,
        `no command cond ${action}: status, dump, get, set, clear and list are`,
      );
    return await act(names, options);
  },
};

/** initctl splits each argument at blanks. */
const splitNames = (names: readonly string[]): string[] =>
  names.flatMap((name) => name.split(/[ \t]+/)).filter((name) => name !== '');

function eachName(act: (name: string, options: OptionValues) => Promise<number>) {
  return async (names: string[], options: OptionValues): Promise<number> => {
    const all = splitNames(names);
    if (all.length === 0) throw new UsageError('expected: cond get NAME');
    let code = 0;
    for (const name of all) code |= await act(name, options);
    return code;
  };
}

async function get(name: string, { verbose }: OptionValues): Promise<number> {
  const state = await conditions.get(name);
  if (verbose) print(state);
  return { on: EXIT.ok, off: EXIT.failed, flux: EXIT.refused }[state];
}

async function change(action: 'set' | 'clear', names: string[]): Promise<number> {
  const all = splitNames(names);
  if (all.length === 0) throw new UsageError(`expected: cond ${action} NAME…`);
  try {
    await (action === 'set' ? conditions.set : conditions.clear)(all);
  } catch (error) {
    if (!isFinitError(error)) throw error;
    throw new Failure(
      error.code === 'FINIT_INVALID_CONDITION' ? EXIT.usage : EXIT.cannotCreate,
      error.message,
      { cause: error },
    );
  }
  return EXIT.ok;
}

async function list(patterns: string[], options: OptionValues): Promise<number> {
  const found = await conditions.list(patterns.length > 0 ? patterns : '**');
  if (options.json) print(...found.map((condition) => JSON.stringify(condition)));
  else {
    const lines = table(
      ['STATE', 'CONDITION'],
      found.map(({ name, state }) => [state, name]),
    );
    print(...(tableStyle(options).heading ? lines : lines.slice(1)));
  }
  return EXIT.ok;
}
