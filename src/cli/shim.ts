import { spawnSync } from 'node:child_process';
import { errnoName } from '../errno.js';
import { native } from '../native.js';
import { shimPath } from '../shim/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { print } from './output.js';

export const command: Command = {
  help: `Usage: node-finit shim [OPTION…] [--] COMMAND [ARGUMENT…]
       node-finit shim --path

Becomes finit-shim, which runs COMMAND for finit and gives it what finit lacks: a watchdog, a status, timeouts, socket activation,
restarts in place. In a stanza the program itself does without starting Node first:

  service notify:systemd name:web /path/of/finit-shim --identity web --watchdog 10s /usr/bin/node /srv/web.js -- Web server

No -- in front of the program there: for finit the first one begins the description.

  --path  print where finit-shim is, for a stanza

All other options are finit-shim's own:`,
  async run(args) {
    if (args[0] === '--help' || args[0] === '-h') {
      print(this.help, '');
      return spawnSync(shimPath(), ['--help'], { stdio: 'inherit' }).status ?? EXIT.osError;
    }
    const path = shimPath();
    if (args[0] === '--path') {
      print(path);
      return EXIT.ok;
    }
    if (args.length === 0) throw new UsageError('expected shim [OPTION…] COMMAND');
    const error = -native().exec(path, [path, ...args], inherited(args));
    throw new Failure(EXIT.osError, `${path} cannot be run: ${errnoName(error)}`);
  },
};

/** The standard descriptors, and finit's way to hear of readiness: Node keeps all it has from its children. */
function inherited(args: readonly string[]): number[] {
  const said = [process.env.NOTIFY_SOCKET ?? ''];
  args.slice(0, args.includes('--') ? args.indexOf('--') : args.length).forEach((arg, i) => {
    const value = arg === '--notify' ? args[i + 1] : /^--notify=(.*)$/.exec(arg)?.[1];
    if (value !== undefined) said.push(value.replace(/^(fd|s6):/, ''));
  });
  return [0, 1, 2, ...said.filter((text) => /^[0-9]{1,6}$/.test(text)).map(Number)];
}
