import { parseArgs } from 'node:util';
import * as services from '../services/index.js';
import { type Command, EXIT, expectArguments } from './command.js';

function action(name: string, act: typeof services.start, what: string): Command {
  return {
    name,
    summary: `${name} services`,
    help: `Usage: node-finit ${name} NAME[:ID]…

${what} A NAME without :ID means all with that name. It is done when finit has accepted it. To wait until
services have got there: node-finit wait service/NAME/running, or …/ready for one that says when it is ready.

Exit codes: 0 accepted, 69 no such service (then nothing has been done), 1 failed.`,
    async run(argv) {
      const { positionals } = parseArgs({ args: argv, allowPositionals: true, options: {} });
      expectArguments(positionals, 1, `${name} NAME[:ID]…`);
      await act(positionals);
      return EXIT.ok;
    },
  };
}

export const start = action(
  'start',
  services.start,
  'Starts services, and lifts what kept them from running.',
);
export const stop = action('stop', services.stop, 'Stops services until they are started again.');
export const restart = action('restart', services.restart, 'Stops and starts services.');
