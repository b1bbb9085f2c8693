/** Where the files of the finit that is meant lie, as seen from here. */
import { DEFAULT_RUN_DIR, resolveRunDir } from '../run-dir.js';

/**
 * The root directory of the finit that is meant: `''` for this machine's own, `/proc/PID/root` for that of a sandbox, undefined where
 * its run directory does not tell.
 */
export function finitRoot(runDir = resolveRunDir()): string | undefined {
  const path = runDir.replace(/\/+$/, '').replace(/^\/var\/run\//, '/run/');
  if (path === DEFAULT_RUN_DIR) return '';
  for (const end of [DEFAULT_RUN_DIR, `/var${DEFAULT_RUN_DIR}`])
    if (path.endsWith(end)) return path.slice(0, -end.length);
  return undefined;
}
