/** `node-finit sandbox`: a real finit to try things in. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isFinitError } from '../errors.js';
import { nearest } from '../nearest.js';
import {
  DEFAULT_SUITE,
  prepareSandbox,
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from '../sandbox/index.js';
import { type Command, EXIT, UsageError } from './command.js';

const help = `Usage: node-finit sandbox [OPTION]… [-- COMMAND…]

Boots a real finit as PID 1 of its own namespaces, from Debian's packages. Nothing is installed on this machine and
nothing is written outside the cache directory. Works as root and as an ordinary user.

With a COMMAND, runs it in the sandbox and ends with its exit code. Without one, opens a shell in it; when the standard
input is no terminal, stays until SIGINT or SIGTERM.

  --suite SUITE       Debian's suite (default ${DEFAULT_SUITE}; e.g. trixie, sid)
  --package NAME      add a Debian package with its dependencies; may be repeated
  --root DIR          boot this tree, which has finit, instead of Debian's packages (/ is the installed finit)
  --config FILE       put this file into /etc/finit.d; may be repeated
  --mount SRC:DST     show a file or directory of this machine as DST, read-only; may be repeated
  --runlevel N        boot into this runlevel (default 2)
  --rootless          use a user namespace even as root
  --mirror URI        Debian's archive (default: the one this machine's apt uses)
  --cache-dir DIR     default: $NODE_FINIT_CACHE, or node-finit in $XDG_CACHE_HOME or ~/.cache
  --prepare           only fill the cache, so that later starts need no network
  --quiet             print nothing but the command's output and errors

Examples:
  node-finit sandbox -- initctl status
  node-finit sandbox --config web.conf --mount "$PWD:/srv/app"
  node-finit sandbox --prepare --suite trixie`;

const OPTIONS = {
  suite: { type: 'string' },
  package: { type: 'string', multiple: true },
  root: { type: 'string' },
  config: { type: 'string', multiple: true },
  mount: { type: 'string', multiple: true },
  runlevel: { type: 'string' },
  rootless: { type: 'boolean' },
  mirror: { type: 'string' },
  'cache-dir': { type: 'string' },
  prepare: { type: 'boolean' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function parse(argv: string[]) {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const command = end === -1 ? [] : argv.slice(end + 1);
  const see = 'see node-finit sandbox --help';
  for (const argument of own) {
    const name = /^--([^=]+)/.exec(argument)?.[1];
    if (name === undefined || name in OPTIONS) continue;
    const hint = nearest(name, Object.keys(OPTIONS));
    throw new UsageError(
      `sandbox has no option --${name}${hint === undefined ? '' : `, did you mean --${hint}?`}; ${see}`,
    );
  }
  try {
    const { values, positionals } = parseArgs({
      args: own,
      options: OPTIONS,
      strict: true,
      allowPositionals: true,
    });
    if (positionals.length > 0)
      throw new UsageError(
        `a command for the sandbox comes after --: node-finit sandbox -- ${[...positionals, ...command].join(' ')}`,
      );
    if (end !== -1 && command.length === 0) throw new UsageError('there is no command after --');
    return { values, command };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; ${see}`, { cause: error });
  }
}

/** SRC:DST, with SRC as a path of ours. */
function mountOf(text: string): [target: string, source: string] {
  const colon = text.lastIndexOf(':');
  const target = text.slice(colon + 1);
  if (colon < 1 || !target.startsWith('/'))
    throw new UsageError(`--mount takes SRC:DST with an absolute DST, not ${text}`);
  return [target, resolve(text.slice(0, colon))];
}

function sandboxOptions(values: ReturnType<typeof parse>['values']): SandboxOptions {
  const config = (values.config ?? []).map((file) => {
    try {
      return [basename(file), readFileSync(file, 'utf8')] as const;
    } catch (error) {
      throw new UsageError(`--config ${file}: ${(error as Error).message}`);
    }
  });
  return {
    suite: values.suite,
    root: values.root,
    packages: values.package,
    config: Object.fromEntries(config),
    mounts: Object.fromEntries((values.mount ?? []).map(mountOf)),
    runlevel: values.runlevel === undefined ? undefined : Number(values.runlevel),
    rootless: values.rootless ?? 'auto',
    mirror: values.mirror,
    cacheDir: values['cache-dir'],
  };
}

/** Says on standard error what goes on: in one line that changes on a terminal, in lines elsewhere. */
function progress(quiet: boolean): { show(text: string): void; clear(): void } {
  const tty = process.stderr.isTTY;
  return {
    show(text) {
      if (quiet) return;
      const width = (process.stderr.columns ?? 80) - 1;
      process.stderr.write(tty ? `\r\x1b[K${text.slice(0, width)}` : `${text}\n`);
    },
    clear() {
      if (tty && !quiet) process.stderr.write('\r\x1b[K');
    },
  };
}

const codeOf = (code: number | null, signal: NodeJS.Signals | null) =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** A command on our own terminal or pipes; its exit code, as a shell would say it. */
async function foreground(box: Sandbox, argv: readonly string[]): Promise<number> {
  const env: Record<string, string> = {};
  for (const name of ['TERM', 'COLORTERM', 'LANG', 'NO_COLOR'])
    if (process.env[name]) env[name] = process.env[name];
  // In our process group, so that it may use the terminal.
  const child = box.spawn(argv, { stdio: 'inherit', detached: false, env });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => done(codeOf(code, signal)));
  });
}

async function run(argv: string[]): Promise<number> {
  const { values, command } = parse(argv);
  if (values.help) {
    process.stdout.write(`${help}\n`);
    return EXIT.ok;
  }
  const options = sandboxOptions(values);
  const line = progress(values.quiet ?? false);
  const say = (text: string) => values.quiet || process.stderr.write(`${text}\n`);
  const interrupted = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => interrupted.abort(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  try {
    const common = { ...options, signal: interrupted.signal, onProgress: line.show };
    if (values.prepare) {
      const { root } = await prepareSandbox(common);
      line.clear();
      say(`The cache is filled: ${root}`);
      return EXIT.ok;
    }
    await using box = await startSandbox(common);
    line.clear();
    if (command.length > 0) {
      const code = await foreground(box, command);
      await box.poweroff({ signal: interrupted.signal });
      return code;
    }
    say(
      `finit ${box.version} is PID 1 of its own namespaces; on this machine it has pid ${box.pid}.\n` +
        `From here, talk to it with:  node-finit --run-dir ${box.runDir} status`,
    );
    if (process.stdin.isTTY && process.stdout.isTTY) {
      say('This is a shell in it; leaving the shell powers it off.');
      await foreground(box, ['/bin/sh', '-i']);
    } else {
      say('It runs until this process gets SIGINT or SIGTERM.');
      await untilOver(box, interrupted.signal);
    }
    await box.poweroff();
    return EXIT.ok;
  } catch (error) {
    line.clear();
    if (isFinitError(error, 'FINIT_ABORTED')) {
      const { reason } = interrupted.signal as { reason: NodeJS.Signals };
      return 128 + constants.signals[reason];
    }
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupt);
  }
}

async function untilOver(box: Sandbox, signal: AbortSignal): Promise<void> {
  const asked = new Promise((done) => signal.addEventListener('abort', done, { once: true }));
  if (!signal.aborted) await Promise.race([box.exited, asked]);
}

export const command: Command = { help, run };
