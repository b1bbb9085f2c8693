/**
 * What the kernel said, as a FinitError: the one place where errno of the control socket gets its meaning.
 */
import { type Stats, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';

const errno = constants.errno;

/** What was under way when it failed. */
export interface Exchange {
  /** The socket. */
  path: string;
  /** In words: `start web`. */
  what: string;
  /** In milliseconds, of the whole call. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** How many answers there were before it failed. Default 0. */
  answers?: number;
}

/** The error for a burst's errno. */
export function exchangeError(code: number, syscall: string, exchange: Exchange): FinitError {
  const { path, what, answers = 0 } = exchange;
  // Nobody there any more is another thing than nobody there.
  const gone = answers > 0 && (code === errno.ENOENT || code === errno.ECONNREFUSED);
  const name = errnoName(code);
  const details = { errno: name, path, ...(syscall !== '' && { syscall }) };
  switch (gone ? errno.ECONNRESET : code) {
    case errno.ENOENT:
    case errno.ENOTDIR:
      return new FinitError(
        'FINIT_NOT_RUNNING',
        `No finit here: there is no socket ${path}. Is PID 1 finit 4? For a finit elsewhere (a sandbox, a container) give ` +
          'its run directory: option runDir, or FINIT_RUN_DIR in the environment.',
        details,
      );
    case errno.ECONNREFUSED:
      return new FinitError(
        'FINIT_NOT_RUNNING',
        `Nobody listens on ${path}: the finit that made it is gone, or it is not finit's socket.`,
        details,
      );
    case errno.EACCES:
    case errno.EPERM:
      return new FinitError('FINIT_ACCESS_DENIED', describeRefusal(path), details);
    case errno.ETIMEDOUT:
      return timedOut(exchange, details);
    case errno.ECANCELED:
      return aborted(exchange, details);
    case errno.ENODATA:
    case errno.ECONNRESET:
    case errno.EPIPE:
      return new FinitError(
        'FINIT_CONNECTION_LOST',
        `finit closed the connection on ${path} without an answer to "${what}". It is gone, or, up to version 4.14, in runlevel ` +
          'S (not up yet), 0 or 6 (going down), where it takes no orders.',
        details,
      );
    case errno.EMSGSIZE:
      return new FinitError(
        'FINIT_BAD_REPLY',
        `The answer to "${what}" is longer than any of finit's: is it finit that listens on ${path}?`,
        details,
      );
    case errno.EPROTOTYPE:
      return new FinitError(
        'FINIT_BAD_REPLY',
        `${path} is not the kind of socket that finit 4 has (SOCK_SEQPACKET): is it finit that listens there?`,
        details,
      );
    case errno.ENAMETOOLONG:
      return new FinitError(
        'FINIT_INVALID_ARGUMENT',
        `The kernel takes socket names of 107 bytes at most: ${path}. Give a shorter runDir.`,
        details,
      );
    default:
      return new FinitError(
        'FINIT_SYSTEM',
        `${syscall || 'The exchange'} on ${path} failed: ${name} ("${what}")`,
        details,
      );
  }
}

/** The error for a deadline that passed. */
export function timedOut({ path, what, timeout }: Exchange, details: object = { path }): FinitError {
  return new FinitError(
    'FINIT_TIMEOUT',
    `finit did not answer "${what}" on ${path} within ${timeout} ms. finit serves one client at a time: ` +
      'another one may be holding it.',
    details,
  );
}

/** The error for a signal that fired. */
export function aborted({ path, what, signal }: Exchange, details: object = { path }): FinitError {
  return new FinitError('FINIT_ABORTED', `"${what}" on ${path} was aborted`, {
    ...details,
    cause: signal?.reason,
  });
}

/** Who may, and what to do: from the first of socket and directories that can be looked at. */
function describeRefusal(path: string): string {
  const who = `uid ${process.geteuid?.()}, gid ${process.getegid?.()}`;
  let file = path;
  let stats = look(file);
  while (stats === undefined && file !== dirname(file)) {
    file = dirname(file);
    stats = look(file);
  }
  const mode = stats && (stats.mode & 0o7777).toString(8).padStart(4, '0');
  const facts = stats ? ` (owner uid ${stats.uid}, group gid ${stats.gid}, mode ${mode})` : '';
  return file === path
    ? `Not allowed to use finit's socket ${path}${facts} as ${who}: run as its owner, or be in its group.`
    : `Not allowed to reach finit's socket ${path} as ${who}: nothing below ${file}${facts} can be seen.`;
}

function look(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
