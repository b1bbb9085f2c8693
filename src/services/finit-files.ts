/** Files where finit sees them, as far as that is visible from here. */
import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs';
import { finitRoot } from '../finit-root.js';

/** Answers about files. */
export interface FinitFiles {
  /** Whether a file is there; undefined when that cannot be seen. */
  exists(path: string): boolean | undefined;
  /** Whether there is a program of that path, or of that name where finit looks for it; undefined when that cannot be seen. */
  isProgram(command: string): boolean | undefined;
}

/** _PATH_STDPATH of the C library, which is finit's PATH unless its finit.conf has another. */
const PATH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/** The files of the finit that has a run directory: its root is what that is seen through, `/proc/PID/root`, or `/`. */
export function filesOf(runDir: string): FinitFiles {
  const unseen = () => undefined;
  const root = finitRoot({ runDir });
  if (root === undefined) return { exists: unseen, isProgram: unseen };
  const exists = (path: string): boolean => look(root, path) !== undefined;
  const isProgram = (command: string): boolean =>
    command.startsWith('/')
      ? isExecutable(look(root, command))
      : PATH.some((directory) => isExecutable(look(root, `${directory}/${command}`)));
  return { exists: seen(root, exists), isProgram: seen(root, isProgram) };
}

/** What may not be seen, or below a root that has gone, is not known. */
function seen(root: string, ask: (path: string) => boolean): (path: string) => boolean | undefined {
  return (path) => {
    try {
      const answer = ask(path);
      return statSync(root || '/').isDirectory() ? answer : undefined;
    } catch {
      return undefined;
    }
  };
}

/** The path here of a file there, its links followed; undefined when there is none. */
function look(root: string, path: string): string | undefined {
  const resolved = resolveBelow(root, path);
  return resolved !== undefined && lstatSync(resolved, { throwIfNoEntry: false }) ? resolved : undefined;
}

/**
 * Follows links as a process does that has this root: the kernel would take absolute ones from the root of this process.
 * @returns undefined when something on the way is not there.
 */
export function resolveBelow(root: string, path: string): string | undefined {
  const left = path.split('/').reverse();
  const done: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const full = `${root}/${[...done, part].join('/')}`;
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) {
      // Further down there is nothing, then.
      if (!stat.isDirectory() && left.some((next) => next !== '')) return undefined;
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS) return undefined;
    const target = readlinkSync(full);
    if (target.startsWith('/')) done.length = 0;
    left.push(...target.split('/').reverse());
  }
  return `${root}/${done.join('/')}`;
}

function isExecutable(path: string | undefined): boolean {
  if (path === undefined || !statSync(path).isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
