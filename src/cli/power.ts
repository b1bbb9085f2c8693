/** The ways down, to sleep, and into another root. */
import { existsSync } from 'node:fs';
import { isFinitError } from '../errors.js';
import * as system from '../system/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { PATIENCE } from './flags.js';
import { print } from './output.js';

function down(name: string, go: typeof system.reboot, what: string): Command {
  return {
    help: `Usage: node-finit ${name} [-t SECONDS]

${what} It is done when finit has begun.

  -t, --timeout SECONDS  shut down by force when it has not come to its end after so long

Exit codes: 0; 1 finit cannot be asked, or said no.`,
    async run(args, { timeout }) {
      if (args.length > 0) throw new UsageError(`expected: ${name}`);
      await go({ timeout: PATIENCE, ...(typeof timeout === 'string' && { force: seconds(timeout) }) });
      return EXIT.ok;
    },
  };
}

function seconds(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${text} is no whole number of seconds`);
  return Number(text);
}

export const reboot = down('reboot', system.reboot, 'Stops everything and reboots the machine.');
export const halt = down('halt', system.halt, 'Stops everything and halts the machine, with its power on.');
export const poweroff = down('poweroff', system.poweroff, 'Stops everything and powers the machine off.');

export const suspend: Command = {
  help: `Usage: node-finit suspend

Suspends the machine to RAM.

Exit codes: 0; 1 finit cannot be asked, or the kernel cannot.`,
  async run(args) {
    if (args.length > 0) throw new UsageError('expected: suspend');
    try {
      await system.suspend({ timeout: PATIENCE });
    } catch (error) {
      // finit answers when the machine is awake again, and the clock of the timeout may not have slept.
      if (!isFinitError(error, 'FINIT_TIMEOUT')) throw error;
    }
    return EXIT.ok;
  },
};

export const switchRoot: Command = {
  help: `Usage: node-finit switch-root NEWROOT [INIT]

Leaves an initramfs: finit stops everything, moves to the file system that is mounted at NEWROOT, and becomes its INIT, by default
the first of those that it knows. finit 4.16 and newer, in runlevel S or 1.

Exit codes: 0; 1 there is no NEWROOT, or finit cannot; 2 no NEWROOT given.`,
  async run([newRoot, init, ...rest]) {
    if (newRoot === undefined || rest.length > 0)
      throw new UsageError('expected: switch-root NEWROOT [INIT]');
    if (!existsSync(newRoot)) throw new Failure(EXIT.failed, `cannot access ${newRoot}`);
    print(`Switching root to ${newRoot}${init === undefined ? '' : `, init ${init}`} ...`);
    try {
      await system.switchRoot(newRoot, init, { timeout: PATIENCE });
    } catch (error) {
      if (!isFinitError(error)) throw error;
      throw new Failure(EXIT.failed, error.message, { cause: error });
    }
    return EXIT.ok;
  },
};
