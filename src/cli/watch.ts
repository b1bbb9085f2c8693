import { type ConditionState, watch } from '../conditions/index.js';
import { type Command, EXIT, expectArguments } from './command.js';
import { print } from './output.js';
import { dim, green, red, yellow } from './style.js';
import { untilSignal } from './until-signal.js';

const PAINT: Record<ConditionState, (text: string) => string> = { on: green, off: red, flux: yellow };

export const command: Command = {
  help: `Usage: node-finit watch [--json] PATTERN…

Shows the conditions that are on or in flux, then each change, until it is interrupted. In a PATTERN * stands for anything
between two slashes, ** for any number of segments; quote it. Each line: time, state, name, the state before.

  -j, --json  one object for each line: {"time":…,"name":…,"state":…,"previous":…,"generation":…}

Exit codes: 0 interrupted, 1 finit is not there or went away.`,
  async run(patterns, options) {
    expectArguments(patterns, 1, 'watch PATTERN…');
    for await (const { name, state, previous, generation } of watch(patterns, { signal: untilSignal() })) {
      const time = new Date().toISOString();
      if (options.json) print(JSON.stringify({ time, name, state, previous, generation }));
      else {
        const before = previous === undefined ? '' : dim(`  (was ${previous})`);
        print(`${dim(time)}  ${PAINT[state](state.padEnd(4))}  ${name}${before}`);
      }
    }
    return EXIT.ok;
  },
};
