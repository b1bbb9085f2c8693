import type { OptionSpec, OptionValues } from './options.js';

/** One command of `node-finit`. */
export interface Command {
  /** All of `node-finit NAME --help`, without a final newline. */
  help: string;
  /**
   * @param args what follows the command's name, without its options; of a command with `raw`, all of it
   * @param options those of the command line; `--run-dir` and `--transport` are in the environment already
   * @returns the exit code
   * @throws {FinitError} printed by the caller; {@link UsageError} and {@link Failure} as well
   */
  run(args: string[], options: OptionValues): Promise<number>;
}

/** What a command's arguments are, for shell completion. */
export type ArgumentKind =
  | 'service'
  | 'services'
  | 'condition'
  | 'conditions'
  | 'user-conditions'
  | 'conf'
  | 'available'
  | 'enabled'
  | 'signal'
  | 'runlevel'
  | 'command'
  | 'file'
  | 'files'
  | 'directory'
  | { words: readonly string[] };

/** What the list of commands says of one. */
export interface Entry {
  summary: string;
  /** What follows the name, e.g. `NAME[:ID]…`. */
  usage?: string;
  /** For completion: the kinds of its arguments, the last one again and again if its name is plural. */
  args?: readonly ArgumentKind[];
  /** For completion and `--help`: words that its first argument may be, each with arguments of its own. */
  actions?: Readonly<Record<string, readonly ArgumentKind[]>>;
  /** Options of its own; they count after the name of the command. */
  options?: readonly OptionSpec[];
  /** Its arguments are parsed by itself, but for --run-dir and --transport. */
  raw?: boolean;
  /** It gets all that follows its name. */
  verbatim?: boolean;
  /** The command that it is another name for. */
  alias?: string;
  /** Not in the list of commands. */
  hidden?: boolean;
  /** Each command's file, and what it imports, is loaded only when it is used. */
  load(): Promise<Command>;
}

/** Exit codes; those of finit's initctl (src/initctl.c, src/serv.c, 4.17) where it has one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unknownCommand: 3,
  builtIn: 4,
  notEnabled: 6,
  restartFailed: 7,
  badSignal: 65,
  unknownService: 69,
  osError: 71,
  missingFile: 72,
  cannotCreate: 73,
  /** As coreutils' timeout has it. */
  timeout: 124,
  /** `cond get`: in flux; start, stop, reload …: finit said no, or could not be asked. */
  refused: 255,
} as const;

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could not be done: a message for people, and an exit code for scripts. */
export class Failure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: number;
  /** `-n`, `--noerr`: exit code 0 in its place. */
  readonly ignorable: boolean;

  constructor(exitCode: number, message: string, { ignorable = false, ...options }: FailureOptions = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.ignorable = ignorable;
  }
}

export interface FailureOptions extends ErrorOptions {
  ignorable?: boolean;
}

/** The exact number of arguments, or more. */
export function expectArguments(args: readonly string[], atLeast: number, what: string): void {
  if (args.length < atLeast) throw new UsageError(`expected ${what}`);
}
