/** Finds the command, and turns errors into a line and an exit code. */
import { isFinitError } from '../errors.js';
import { type Command, EXIT, type Failure, UsageError } from './command.js';
import { commands } from './commands.js';
import { type OptionValues, parseCommandLine } from './options.js';
import { warn } from './output.js';
import { plainStyle } from './style.js';

/**
 * Does what a command line says.
 * @param argv without node and the program
 * @returns the exit code
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let options: OptionValues = {};
  let command: string | undefined;
  try {
    const line = parseCommandLine(argv, (name) => {
      command = name;
      return commands[name];
    });
    ({ options, command } = line);
    applyGlobally(options);
    if (options.help) {
      const help = await import('./help.js');
      return await help.printHelp(command);
    }
    if (options.version) return (await (await commands.version?.load())?.run([], options)) ?? EXIT.failed;
    return await (await load(command ?? 'status')).run(line.args, options);
  } catch (error) {
    return await report(error, options, command);
  }
}

async function load(name: string): Promise<Command> {
  // Not findCommand() first: the help is not needed for what is there.
  const entry = commands[name] ?? (await import('./help.js')).findCommand(name);
  return await entry.load();
}

/** Where every part of this package, and every plugin, looks for it. */
function applyGlobally(options: OptionValues): void {
  const { 'run-dir': runDir, transport, plain } = options;
  if (runDir === '') throw new UsageError('--run-dir needs a DIR');
  if (typeof runDir === 'string') process.env.FINIT_RUN_DIR = runDir;
  if (typeof transport === 'string') process.env.FINIT_TRANSPORT = transport;
  if (plain) plainStyle();
}

async function report(error: unknown, options: OptionValues, command: string | undefined): Promise<number> {
  const say = (message: string): void => {
    if (!options.quiet) warn(message);
  };
  // Not by instanceof: commands that are loaded from other files than the bundle have their own copies of these classes.
  const { name } = error as Error;
  if (name === 'CliFailure') {
    const failure = error as Failure;
    say(inOptions(failure.message));
    return failure.ignorable && options.noerr ? EXIT.ok : failure.exitCode;
  }
  if (name === 'UsageError') {
    say(
      `${(error as Error).message}\nTry node-finit ${command && commands[command] ? `${command} ` : ''}--help`,
    );
    return EXIT.usage;
  }
  if (!isFinitError(error)) {
    warn(`unexpected error, please report it: ${error instanceof Error ? error.stack : String(error)}`);
    return EXIT.failed;
  }
  if (error.code === 'FINIT_UNKNOWN_SERVICE') {
    const unknown = error.subject ?? '';
    if (!options.quiet) {
      const { didYouMean } = await import('./did-you-mean.js');
      say(`no such task or service(s): ${unknown}${await didYouMean(unknown)}`);
    }
    return options.noerr ? EXIT.ok : EXIT.unknownService;
  }
  say(inOptions(error.message) + (options.debug ? `\n${error.stack}` : ''));
  if (error.code === 'FINIT_INVALID_ARGUMENT' || error.code === 'FINIT_INVALID_CONDITION') return EXIT.usage;
  return error.code === 'FINIT_TIMEOUT' ? EXIT.timeout : EXIT.failed;
}

/** In the words of the command line. */
function inOptions(message: string): string {
  return message
    .replaceAll('option runDir', '--run-dir')
    .replaceAll('option transport', '--transport')
    .replaceAll('a shorter runDir', 'a shorter --run-dir');
}
