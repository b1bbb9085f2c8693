import { parseArgs } from 'node:util';
import type { Runlevel } from '../system/index.js';
import * as system from '../system/index.js';
import { type Command, EXIT, UsageError } from './command.js';
import { print } from './style.js';

export const command: Command = {
  name: 'runlevel',
  summary: 'show or change the runlevel',
  help: `Usage: node-finit runlevel [0-9|S]

Without an argument: the previous runlevel (N: none) and the present one, as initctl prints them. With one: goes there. 0 powers
off, 6 reboots, S means 1.

Exit codes: 0, 1 failed.`,
  async run(argv) {
    const { positionals } = parseArgs({ args: argv, allowPositionals: true, options: {} });
    const [level] = positionals;
    if (positionals.length > 1) throw new UsageError('expected: runlevel [0-9|S]');
    if (level === undefined) {
      const { current, previous } = await system.runlevel();
      // initctl knows no runlevel before S and 0: it prints what is not 1 to 9 as N (src/initctl.c, 4.12, 4.14).
      print(`${typeof previous === 'number' && previous > 0 ? previous : 'N'} ${current}`);
      return EXIT.ok;
    }
    if (!/^[0-9sS]$/.test(level)) throw new UsageError(`no runlevel: ${level}; 0 to 9 and S are`);
    await system.setRunlevel((/\d/.test(level) ? Number(level) : 'S') as Runlevel);
    return EXIT.ok;
  },
};
