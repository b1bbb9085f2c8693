import { existsSync } from 'node:fs';
import { prioritySink, runPlugins, standardSink } from '../plugin/index.js';
import { type Command, EXIT, expectArguments, UsageError } from './command.js';
import { warn } from './output.js';

export const command: Command = {
  help: `Usage: node-finit plugin run [--priority] [--debug] FILE…

Runs plugins, TypeScript or JavaScript files that end in "export default definePlugin({ … })", until it gets SIGTERM or
SIGINT. They need no node_modules: import … from 'node-finit' is this very package. A plugin that fails ends alone.

  --priority  begin each line with <3> … <7>, by which the logit of finit 4.14 (not 4.12) gives it its priority in the syslog
  --debug     log debug lines too, as with NODE_FINIT_DEBUG in the environment

As a finit service, ready when all plugins have been set up:
  service notify:systemd log node-finit plugin run --priority /etc/finit/plugins/door.ts -- Plugins

Exit codes: 0 stopped by a signal, 1 no plugin is left.`,
  async run([action, ...files], options) {
    if (action !== 'run') throw new UsageError('expected: plugin run FILE…');
    expectArguments(files, 1, 'plugin run FILE…');
    const there = files.filter((file) => existsSync(file));
    for (const file of files) if (!there.includes(file)) warn(`plugin ${file}: there is no such file`);
    if (there.length === 0) return EXIT.failed;
    const { exitCode } = await runPlugins(there, {
      log: options.priority ? prioritySink : standardSink,
      ...(options.debug && { debug: true }),
    });
    // What plugins have left behind (timers, servers) must not keep the process.
    await flushed(process.stdout);
    await flushed(process.stderr);
    process.exit(exitCode === 0 ? EXIT.ok : EXIT.failed);
  },
};

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
