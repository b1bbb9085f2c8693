/** Where the machine that a finit runs is seen from here: its files and its processes. */
import { resolve } from 'node:path';
import { type FinitOptions, resolveRunDir } from './run-dir.js';

/**
 * The root directory of a finit, without a final slash: `''` for this machine's own, `/proc/PID/root` for a sandbox or a container.
 * Undefined when its run directory does not tell.
 */
export function finitRoot(options: FinitOptions = {}): string | undefined {
  return /^(.*)\/(?:var\/)?run\/finit$/.exec(resolve(resolveRunDir(options)))?.[1];
}
