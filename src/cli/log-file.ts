/** The system's log, searched as initctl does (do_log() in src/initctl.c): /var/log/syslog, or messages. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { finitRoot } from '../finit-root.js';

/** How much is read for the last lines, in bytes. */
const LARGEST_TAIL = 8 * 1024 * 1024;

/** The log file of the finit that is meant; undefined: none. */
export function logFile(): string | undefined {
  const root = finitRoot();
  if (root === undefined) return undefined;
  return ['syslog', 'messages'].map((name) => `${root}/var/log/${name}`).find((path) => existsSync(path));
}

/** Lines about a service: those that name it, or have its pid in brackets. */
const isAbout = (line: string, name: string, pid: number): boolean =>
  line.includes(`[${pid}]`) || line.includes(name);

/**
 * The last lines about a service, or all of them, oldest first; none where there is no log that can be read.
 *
 * Read with nothing but node:fs: streams and node:readline take longer to load than the rest of the command line.
 */
export function linesOfLog(name: string, pid: number, last?: number): string[] {
  const path = logFile();
  if (path === undefined) return [];
  try {
    return readLines(path, last === undefined ? Number.POSITIVE_INFINITY : LARGEST_TAIL)
      .filter((line) => isAbout(line, name, pid))
      .slice(last === undefined ? 0 : -last);
  } catch {
    return [];
  }
}

function readLines(path: string, most: number): string[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - most);
    const bytes = Buffer.alloc(size - start);
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start));
    const lines = text.split('\n');
    // The first one may have been cut, and after the last newline there is nothing.
    return lines.slice(start > 0 ? 1 : 0, text.endsWith('\n') ? -1 : undefined);
  } finally {
    closeSync(file);
  }
}
