import { type ConditionState, wait } from '../conditions/index.js';
import { type Command, EXIT, expectArguments, UsageError } from './command.js';
import { parseDuration } from './duration.js';

export const command: Command = {
  help: `Usage: node-finit wait [--timeout TIME] [--state on|off|flux] NAME…

Waits until all conditions are on, or in the state, at the same time. A bare NAME means usr/NAME.

  -t, --timeout TIME  10s, 500ms, 2m, 1h; default: for ever
  -s, --state STATE   what to wait for; default: on

Exit codes: 0 they are, 124 the time is over, 1 finit is not there or went away.`,
  async run(names, { state = 'on', timeout }) {
    expectArguments(names, 1, 'wait NAME…');
    if (!isState(state)) throw new UsageError(`no state of a condition: ${state}; on, off and flux are`);
    await wait(names, { state, ...(typeof timeout === 'string' && { timeout: parseDuration(timeout) }) });
    return EXIT.ok;
  },
};

function isState(text: unknown): text is ConditionState {
  return typeof text === 'string' && ['on', 'off', 'flux'].includes(text);
}
