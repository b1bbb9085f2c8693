import { parseArgs } from 'node:util';
import * as conditions from '../conditions/index.js';
import { isFinitError } from '../errors.js';
import { type Command, EXIT, expectArguments, UsageError } from './command.js';
import { print, table } from './style.js';

export const command: Command = {
  name: 'cond',
  summary: 'show, set and clear conditions',
  help: `Usage: node-finit cond get NAME
       node-finit cond set|clear NAME…
       node-finit cond list [--json] [PATTERN…]

A bare NAME means usr/NAME, and only those can be set and cleared. In a PATTERN * stands for anything between two slashes,
** for any number of segments; list shows what is on or in flux.

  --json  one object for each line: {"name":…,"state":…}

Exit codes, those of initctl. get: 0 on, 1 off or failed, 255 in flux. set, clear: 73 it could not be done.`,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { json: { type: 'boolean', short: 'j' } },
    });
    const [action = '', ...names] = positionals;
    switch (action) {
      case 'get':
        return await get(names);
      case 'set':
      case 'clear':
        return await change(action, names);
      case 'list':
        return await list(names, values.json ?? false);
      default:
        throw new UsageError('expected: cond get|set|clear|list');
    }
  },
};

async function get(names: string[]): Promise<number> {
  const [name] = names;
  if (name === undefined || names.length !== 1) throw new UsageError('expected: cond get NAME');
  const state = await conditions.get(name);
  print(state);
  return { on: EXIT.ok, off: EXIT.failed, flux: EXIT.flux }[state];
}

async function change(action: 'set' | 'clear', names: string[]): Promise<number> {
  expectArguments(names, 1, `cond ${action} NAME…`);
  try {
    await (action === 'set' ? conditions.set : conditions.clear)(names);
  } catch (error) {
    if (!isFinitError(error)) throw error;
    process.stderr.write(`node-finit: ${error.message}\n`);
    return EXIT.cannotCreate;
  }
  return EXIT.ok;
}

async function list(patterns: string[], json: boolean): Promise<number> {
  const found = await conditions.list(patterns.length > 0 ? patterns : '**');
  if (json) print(...found.map((condition) => JSON.stringify(condition)));
  else
    print(
      ...table(
        ['STATE', 'CONDITION'],
        found.map(({ name, state }) => [state, name]),
      ),
    );
  return EXIT.ok;
}
