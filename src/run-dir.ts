/** Where finit keeps its socket and conditions, when nothing else is said. */
export const DEFAULT_RUN_DIR = '/run/finit';

/** Which finit is meant. Everything in this package that talks to finit takes it. */
export interface FinitOptions {
  /**
   * finit's run directory: the one that holds `socket` and `cond/`.
   * Default: the environment's `FINIT_RUN_DIR`, or `/run/finit`.
   */
  runDir?: string | undefined;
}

/** The run directory that these options mean. */
export function resolveRunDir(options: FinitOptions = {}): string {
  return options.runDir ?? (process.env.FINIT_RUN_DIR || DEFAULT_RUN_DIR);
}
