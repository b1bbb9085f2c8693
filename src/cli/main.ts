#!/usr/bin/env node
/** The command line: finds the command, and turns errors into a line and an exit code. */
import { readFileSync } from 'node:fs';
import { isFinitError } from '../errors.js';
import { type Command, EXIT, UsageError } from './command.js';
import { commands, commandsHelp } from './commands.js';
import { nearest } from './nearest.js';

const HELP = `Usage: node-finit [--run-dir DIR] COMMAND [ARGUMENT…]

finit from Node.js: conditions, services, plugins, and a sandbox with a real finit in it.

Commands:
${commandsHelp()}

Options:
  --run-dir DIR  finit's run directory; default: the environment's FINIT_RUN_DIR, or /run/finit
  -h, --help     this, or with a command what it does
  -V, --version  the version of node-finit

Exit codes: 0 done, 1 failed, 2 not understood, 69 no such service; others stand in a command's help.
Colours only on a terminal, and never with NO_COLOR.`;

async function main(argv: string[]): Promise<number> {
  const rest = takeRunDir(argv);
  const [name, ...args] = rest;
  if (name === undefined) {
    process.stderr.write(`${HELP}\n`);
    return EXIT.usage;
  }
  if (name === '-h' || name === '--help' || name === 'help') return await help(args[0]);
  if (name === '-V' || name === '--version') {
    process.stdout.write(`${version()}\n`);
    return EXIT.ok;
  }
  const command = await find(name);
  if (asksForHelp(name, args)) return await help(name);
  return await command.run(args);
}

function asksForHelp(name: string, args: readonly string[]): boolean {
  const isHelp = (argument: string | undefined): boolean => argument === '-h' || argument === '--help';
  // What follows there may be another program's command line.
  if (name === 'sandbox') return isHelp(args[0]);
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).some(isHelp);
}

async function help(name: string | undefined): Promise<number> {
  process.stdout.write(`${name === undefined ? HELP : (await find(name)).help}\n`);
  return EXIT.ok;
}

async function find(name: string): Promise<Command> {
  const entry = commands[name];
  if (entry) return await entry.load();
  if (name.startsWith('-')) throw new UsageError(`no option ${name} here`);
  const hint = nearest(name, Object.keys(commands));
  throw new UsageError(`no command ${name}${hint === undefined ? '' : `, did you mean ${hint}?`}`);
}

/** Takes `--run-dir` out of the arguments, wherever it stands before `--`. */
function takeRunDir(argv: string[]): string[] {
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--') return [...rest, ...argv.slice(i)];
    if (argument !== '--run-dir' && !argument.startsWith('--run-dir=')) {
      rest.push(argument);
      continue;
    }
    const directory = argument === '--run-dir' ? argv[++i] : argument.slice('--run-dir='.length);
    if (!directory) throw new UsageError('--run-dir needs a directory');
    // Where every part of this package, and every plugin, looks for it.
    process.env.FINIT_RUN_DIR = directory;
  }
  return rest;
}

function report(error: unknown): number {
  const print = (message: string): void => void process.stderr.write(`node-finit: ${message}\n`);
  if (error instanceof UsageError || isParseArgsError(error)) {
    print(`${(error as Error).message}\nTry node-finit --help`);
    return EXIT.usage;
  }
  if (!isFinitError(error)) {
    print(`unexpected error, please report it: ${error instanceof Error ? error.stack : String(error)}`);
    return EXIT.failed;
  }
  print(error.message);
  if (error.code === 'FINIT_UNKNOWN_SERVICE') return EXIT.unknownService;
  if (error.code === 'FINIT_INVALID_ARGUMENT') return EXIT.usage;
  return error.code === 'FINIT_TIMEOUT' ? EXIT.timeout : EXIT.failed;
}

/** Read, not imported: Node 20 prints a warning when JSON is imported. */
function version(): string {
  const about: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (about as { version: string }).version;
}

function isParseArgsError(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

// The reader has gone (node-finit watch … | head): that is an end, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
});
process.exitCode = await main(process.argv.slice(2)).catch(report);
