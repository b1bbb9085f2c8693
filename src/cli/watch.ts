import { parseArgs } from 'node:util';
import { type ConditionState, watch } from '../conditions/index.js';
import { type Command, EXIT, expectArguments } from './command.js';
import { dim, green, print, red, yellow } from './style.js';
import { untilSignal } from './until-signal.js';

const PAINT: Record<ConditionState, (text: string) => string> = { on: green, off: red, flux: yellow };

export const command: Command = {
  name: 'watch',
  summary: 'follow conditions',
  help: `Usage: node-finit watch [--json] PATTERN…

Shows the conditions that are on or in flux, then each change, until it is interrupted. In a PATTERN * stands for anything
between two slashes, ** for any number of segments; quote it. Each line: time, state, name, the state before.

  -j, --json  one object for each line: {"time":…,"name":…,"state":…,"previous":…,"generation":…}

Exit codes: 0 interrupted, 1 finit is not there or went away.`,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { json: { type: 'boolean', short: 'j' } },
    });
    expectArguments(positionals, 1, 'watch PATTERN…');
    for await (const { name, state, previous, generation } of watch(positionals, { signal: untilSignal() })) {
      const time = new Date().toISOString();
      if (values.json) print(JSON.stringify({ time, name, state, previous, generation }));
      else {
        const before = previous === undefined ? '' : dim(`  (was ${previous})`);
        print(`${dim(time)}  ${PAINT[state](state.padEnd(4))}  ${name}${before}`);
      }
    }
    return EXIT.ok;
  },
};
