import { resolveRunDir } from '../run-dir.js';
import * as services from '../services/index.js';
import { type Command, EXIT, expectArguments } from './command.js';
import { PATIENCE } from './flags.js';
import { inlineJson } from './json.js';
import { print } from './output.js';

export const command: Command = {
  help: `Usage: node-finit why [-j] NAME[:ID]…

Why services are not running, or not ready: a tree of reasons down to the root cause, that is the runlevel, a condition and whose it
is, a command or file that is missing, crashes, somebody who stopped it. Of one that is fine: since when it runs, and whether it is
ready.

  -j, --json  an object for each

Exit codes: 0 nothing is wrong with them; 1 there is a reason, or finit cannot be asked; 69 no such service.`,
  async run(names, { json }) {
    expectArguments(names, 1, 'why NAME[:ID]…');
    let code: number = EXIT.ok;
    for (const name of names) {
      const explanation = await services.explain(name, { runDir: resolveRunDir(), timeout: PATIENCE });
      if (!explanation.ok) code = EXIT.failed;
      print(...(json ? [inlineJson(explanation)] : services.formatExplanation(explanation)));
    }
    return code;
  },
};
