import { type ConditionState, wait } from '../conditions/index.js';
import { isFinitError } from '../errors.js';
import { list } from '../services/index.js';
import { type Command, EXIT, expectArguments, Failure, UsageError } from './command.js';
import { didYouMean } from './did-you-mean.js';
import { parseDuration } from './duration.js';
import { PATIENCE } from './flags.js';

export const command: Command = {
  help: `Usage: node-finit wait [--timeout TIME] [--state on|off|flux] NAME…

Waits until all conditions are on, or in the state, at the same time. A bare NAME means usr/NAME.

  -t, --timeout TIME  10s, 500ms, 2m, 1h; default: for ever
  -s, --state STATE   what to wait for; default: on

Exit codes: 0 they are, 124 the time is over, 1 finit is not there or went away.`,
  async run(names, { state = 'on', timeout }) {
    expectArguments(names, 1, 'wait NAME…');
    if (!isState(state)) throw new UsageError(`no state of a condition: ${state}; on, off and flux are`);
    try {
      await wait(names, { state, ...(typeof timeout === 'string' && { timeout: parseDuration(timeout) }) });
    } catch (error) {
      if (!isFinitError(error, 'FINIT_TIMEOUT')) throw error;
      throw new Failure(EXIT.timeout, `${error.message}${await nobodyProvides(names)}`, { cause: error });
    }
    return EXIT.ok;
  },
};

/** What is wrong with names that no service stands behind, as the end of a message. */
async function nobodyProvides(names: readonly string[]): Promise<string> {
  const known = await list({ timeout: PATIENCE }).catch(() => undefined);
  if (known === undefined) return '';
  const identities = known.map(({ identity }) => identity);
  for (const name of names) {
    if (identities.includes(name))
      return `; for the service ${name} it is service/${name}/ready or …/running`;
    const wanted = /^(?:service\/(.+)\/[a-z]+|pid\/(.+))$/.exec(name)?.slice(1).find(Boolean);
    if (wanted === undefined || identities.includes(wanted)) continue;
    return `; finit has no service ${wanted}${await didYouMean(wanted)}`;
  }
  return '';
}

function isState(text: unknown): text is ConditionState {
  return typeof text === 'string' && ['on', 'off', 'flux'].includes(text);
}
