import { isFinitError } from '../errors.js';
import * as system from '../system/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { PATIENCE } from './flags.js';
import { inlineJson } from './json.js';
import { print } from './output.js';

const wait = { timeout: PATIENCE };

export const command: Command = {
  help: `Usage: node-finit runlevel [-j] [0-9|S]

Shows the runlevel before and the present one, as runlevel(8) does: N stands for none. Or changes it: 0 powers off, 6 reboots.

  -j, --json  {"previous":…,"current":…}

Exit codes: 0; 1 finit cannot be asked (initctl prints "unknown" then, and so is done here); 255 finit did not accept the change.`,
  async run([level, ...rest], { json }) {
    if (rest.length > 0) throw new UsageError('expected: runlevel [0-9|S]');
    if (level !== undefined) return await change(level);
    try {
      const state = await system.runlevel(wait);
      print(json ? inlineJson(state) : `${before(state)} ${state.current}`);
      return EXIT.ok;
    } catch (error) {
      if (!json) print('unknown');
      throw error;
    }
  },
};

/** finit's initctl shows N also for S and 0. */
function before({ previous }: system.RunlevelState): string {
  return previous === undefined || previous === 'S' || previous === 0 ? 'N' : String(previous);
}

async function change(level: string): Promise<number> {
  if (!/^[0-9Ss]$/.test(level)) throw new UsageError(`a runlevel is 0 to 9 or S, not ${level}`);
  const wanted = /^s$/i.test(level) ? 'S' : (Number(level) as system.Runlevel);
  try {
    await system.setRunlevel(wanted, wait);
  } catch (error) {
    if (!isFinitError(error)) throw error;
    throw new Failure(EXIT.refused, error.message, { cause: error });
  }
  return EXIT.ok;
}
