import { parseArgs } from 'node:util';
import * as system from '../system/index.js';
import { type Command, EXIT } from './command.js';

export const command: Command = {
  name: 'reload',
  summary: "reload finit's configuration",
  help: `Usage: node-finit reload

Makes finit read its configuration again: what is new or has changed is started anew, what is gone is stopped.

Exit codes: 0 accepted, 1 failed.`,
  async run(argv) {
    parseArgs({ args: argv, allowPositionals: false, options: {} });
    await system.reload();
    return EXIT.ok;
  },
};
