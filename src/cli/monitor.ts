import { type SystemEvent, watch } from '../events/index.js';
import { type Command, EXIT, UsageError } from './command.js';
import { print } from './output.js';
import { dim, red } from './style.js';
import { untilSignal } from './until-signal.js';

export const command: Command = {
  help: `Usage: node-finit monitor [--json]

Shows what is there, then everything that happens, also across finit's going away and coming back, until it is interrupted.

  -j, --json  one object for each line: {"time":…,"type":"condition|service|reload|runlevel|finit",…}

Exit codes: 0 interrupted, 1 finit is not there.`,
  async run(args, options) {
    if (args.length > 0) throw new UsageError('expected: monitor [--json]');
    for await (const event of watch({ signal: untilSignal() })) {
      const time = new Date().toISOString();
      if (options.json) print(JSON.stringify({ time, ...event }));
      else print(`${dim(time)}  ${event.type.padEnd(9)}  ${describe(event)}`);
    }
    return EXIT.ok;
  },
};

function describe(event: SystemEvent): string {
  const change = (previous: unknown, now: unknown): string =>
    previous === undefined ? `${now}` : `${previous} -> ${now}`;
  switch (event.type) {
    case 'condition':
      return `${event.name} ${change(event.previous, event.state)}`;
    case 'service':
      return (
        `${event.identity} ${change(event.previous, event.state)}` +
        (event.service.pid === undefined ? '' : ` pid ${event.service.pid}`) +
        (event.crash ? red(` crashed: ${event.crash.reason}`) : '')
      );
    case 'reload':
      return `generation ${event.generation}`;
    case 'runlevel':
      return change(event.previous, event.current);
    case 'finit':
      return event.state;
  }
}
