import * as services from '../services/index.js';
import { type Command, EXIT } from './command.js';
import { PATIENCE } from './flags.js';
import { linesOfLog, logFile } from './log-file.js';
import { print, warn } from './output.js';

export const command: Command = {
  help: `Usage: node-finit log [NAME[:ID]…]

What the system's log, /var/log/syslog or messages, has about a service with its present pid, or about finit.

Exit codes: 0, 69 no such service.`,
  async run(names) {
    if (logFile() === undefined)
      warn('that finit has no log that can be read, neither /var/log/syslog nor messages');
    if (names.length === 0) print(...linesOfLog('finit', 1));
    for (const name of names) {
      const { identity, pid } = await services.get(name, { timeout: PATIENCE });
      if (pid !== undefined) print(...linesOfLog(identity, pid));
    }
    return EXIT.ok;
  },
};
