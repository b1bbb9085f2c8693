/** What a condition's file says: src/cond.c (cond_get_path()) and src/cond-w.c, the same from finit 4.2 to 5.0-dev. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';

/** `flux`: asserted before the last reload, and not again since. */
export type ConditionState = 'on' | 'off' | 'flux';

/** What is on disk for one condition. */
export type Entry =
  /** A symlink to reconf: on as long as it is there. */
  | { kind: 'oneshot' }
  /** A file with the generation in which it was last asserted. */
  | { kind: 'generation'; generation: number }
  /** A file that is being written this very moment: created and still empty. */
  | { kind: 'pending' };

export const RECONF = 'reconf';

/** The directory of a finit's conditions. */
export const conditionDir = (runDir: string): string => join(runDir, 'cond');

/** The state that an entry means in a generation (`undefined`: reconf is not there or not readable). */
export function stateOf(entry: Entry | undefined, generation: number | undefined): ConditionState {
  if (entry === undefined || entry.kind === 'pending') return 'off';
  if (entry.kind === 'oneshot') return 'on';
  return entry.generation === generation ? 'on' : 'flux';
}

const isMissing = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  // ESRCH: below /proc/<pid>/root, after the process has ended.
  // ELOOP: a link where a file was to be.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH' || code === 'ELOOP';
};

function fileError(error: unknown, path: string): FinitError {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const details = {
    cause: error,
    path,
    ...(code && { errno: code }),
    ...(syscall && { syscall }),
  };
  if (code === 'EACCES' || code === 'EPERM')
    return new FinitError(
      'FINIT_ACCESS_DENIED',
      `no permission for ${path}: conditions belong to root`,
      details,
    );
  return new FinitError('FINIT_SYSTEM', `${path}: ${code ?? String(error)}`, details);
}

/** Runs a file system call; `undefined` when what it is about is not there. */
function unlessMissing<T>(path: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileError(error, path);
  }
}

const parseGeneration = (text: string): number | undefined => {
  // As fscanf("%u") takes it. 0 is no generation: finit counts from 1.
  const digits = /^\s*\+?(\d{1,10})/.exec(text)?.[1];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
};

/** More than a generation has, whatever the file holds. */
const HEAD = 32;

/**
 * The beginning of a regular file; undefined for anything else. finit's files are root's, but nothing that lies there, a FIFO
 * say, or a gigabyte, is to hold up who reads it.
 */
function readHead(path: string): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(HEAD);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, HEAD, 0));
  } finally {
    closeSync(fd);
  }
}

/** The entry at a path; `undefined` when there is none, `'directory'` for a directory. */
export function readEntry(path: string): Entry | 'directory' | undefined {
  return unlessMissing(path, () => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.isDirectory()) return 'directory';
    if (stat.isSymbolicLink()) {
      // By its text: seen from outside a sandbox the absolute target dangles.
      const target = readlinkSync(path);
      return target.split('/').at(-1) === RECONF ? { kind: 'oneshot' } : undefined;
    }
    if (!stat.isFile()) return undefined;
    const text = readHead(path) ?? '?';
    const generation = parseGeneration(text);
    if (generation !== undefined) return { kind: 'generation', generation };
    return text === '' ? { kind: 'pending' } : undefined;
  });
}

/** The current generation; `undefined` while there is none, `'pending'` in the moment of its being written. */
export function readGeneration(runDir: string): number | 'pending' | undefined {
  const path = join(conditionDir(runDir), RECONF);
  const text = unlessMissing(path, () => readHead(path));
  if (text === undefined) return undefined;
  return text === '' ? 'pending' : parseGeneration(text);
}

/** Names in a directory; `undefined` when it is not there. */
export function readNames(path: string): string[] | undefined {
  return unlessMissing(path, () => readdirSync(path));
}

/**
 * Fails when there is no finit at all; its condition tree may be missing all the same (before boot is done, at shutdown).
 * @throws {FinitError} `FINIT_NOT_RUNNING`
 */
export function assertRunDir(runDir: string): void {
  const stat = unlessMissing(runDir, () => lstatSync(runDir, { throwIfNoEntry: false }));
  if (stat === undefined) throw notRunning(runDir);
}

/** The error for a finit that has gone while it was followed. */
export function goneAway(runDir: string): FinitError {
  return new FinitError('FINIT_NOT_RUNNING', `finit has gone: ${runDir} is no longer there`, {
    path: runDir,
  });
}

/** The error for a finit that is not there. */
export function notRunning(runDir: string): FinitError {
  return new FinitError(
    'FINIT_NOT_RUNNING',
    `no finit at ${runDir}: the directory is not there. Is finit PID 1 here? Another run directory is named by ` +
      '{ runDir }, FINIT_RUN_DIR or --run-dir',
    { path: runDir },
  );
}
