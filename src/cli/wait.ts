import { parseArgs } from 'node:util';
import { type ConditionState, wait } from '../conditions/index.js';
import { type Command, EXIT, expectArguments, UsageError } from './command.js';
import { parseDuration } from './duration.js';

export const command: Command = {
  name: 'wait',
  summary: 'wait for conditions',
  help: `Usage: node-finit wait [--timeout TIME] [--state on|off|flux] NAME…

Waits until all conditions are on, or in the state, at the same time. A bare NAME means usr/NAME.

  -t, --timeout TIME  10s, 500ms, 2m, 1h; default: for ever
  -s, --state STATE   what to wait for; default: on

Exit codes: 0 they are, 124 the time is over, 1 finit is not there or went away.`,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { timeout: { type: 'string', short: 't' }, state: { type: 'string', short: 's' } },
    });
    expectArguments(positionals, 1, 'wait NAME…');
    const { state = 'on', timeout } = values;
    if (!isState(state)) throw new UsageError(`no state of a condition: ${state}; on, off and flux are`);
    await wait(positionals, { state, ...(timeout !== undefined && { timeout: parseDuration(timeout) }) });
    return EXIT.ok;
  },
};

function isState(text: string): text is ConditionState {
  return ['on', 'off', 'flux'].includes(text);
}
