/** One command of `node-finit`. */
export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** All of `node-finit NAME --help`, without a final newline. */
  help: string;
  /**
   * @param argv what follows the command's name; `--run-dir` is in the environment's FINIT_RUN_DIR already
   * @returns the exit code
   * @throws {FinitError} printed by the caller; {@link UsageError} as well
   */
  run(argv: string[]): Promise<number>;
}

/** Exit codes; those of initctl where it has one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** initctl: no such task or service. */
  unknownService: 69,
  /** initctl: the condition cannot be created. */
  cannotCreate: 73,
  /** As coreutils' timeout has it. */
  timeout: 124,
  /** initctl cond get: in flux. */
  flux: 255,
} as const;

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The exact number of arguments, or more. */
export function expectArguments(positionals: readonly string[], atLeast: number, what: string): void {
  if (positionals.length < atLeast) throw new UsageError(`expected ${what}`);
}
