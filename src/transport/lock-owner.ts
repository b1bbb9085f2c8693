/** Who has a lock on a directory, from /proc/locks. */
import { readFileSync, statSync } from 'node:fs';

/** Its pid as text; undefined where that cannot be known. */
export function lockOwner(directory: string): string | undefined {
  try {
    const inode = `:${statSync(directory).ino}`;
    // `1: FLOCK  ADVISORY  WRITE 4711 00:1c:1234 0 EOF`
    const lines = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => line.split(/\s+/));
    return lines.find(([, kind, , , , file]) => kind === 'FLOCK' && file?.endsWith(inode))?.[4];
  } catch {
    return undefined;
  }
}
