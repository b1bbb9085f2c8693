/** What went wrong on the bus, as a FinitError. */
import { constants } from 'node:os';
import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';
import { type Exchange, exchangeError } from './errors.js';

/** Why a connection ended. */
export type Loss =
  /** A system call failed. `open`: it had been usable before. */
  | { errno: number; syscall: string; open: boolean }
  /** finit closed it. */
  | { closed: true; open: boolean }
  /** finit takes none of our user ids. */
  | { rejected: string }
  /** What came is not what finit sends. */
  | { garbage: string };

const { EAGAIN, ENOENT, ENOTDIR, EPROTOTYPE, ECONNRESET, EPIPE } = constants.errno;

/** The error for a call that was lost with its connection. */
export function lossError(loss: Loss, call: Exchange): FinitError {
  const { path, what } = call;
  if ('garbage' in loss)
    return new FinitError(
      'FINIT_BAD_REPLY',
      `What came from ${path} is not from finit's bus: ${loss.garbage} ("${what}")`,
      { path },
    );
  if ('rejected' in loss)
    return new FinitError(
      'FINIT_ACCESS_DENIED',
      `finit's bus ${path} does not take uid ${loss.rejected} for that of this process: is it in another user namespace?`,
      { path },
    );
  if ('closed' in loss || loss.errno === ECONNRESET || loss.errno === EPIPE) {
    const details = { path, ...('errno' in loss && { errno: errnoName(loss.errno), syscall: loss.syscall }) };
    if (loss.open)
      return new FinitError(
        'FINIT_CONNECTION_LOST',
        `finit closed the connection on ${path} without an answer to "${what}": it is gone, or has restarted its bus`,
        details,
      );
    return new FinitError(
      'FINIT_BUSY',
      `finit's bus ${path} closed the connection at once: it serves 64 clients, and has as many. "${what}" has not been asked.`,
      details,
    );
  }
  const details = { path, errno: errnoName(loss.errno), syscall: loss.syscall };
  if (loss.errno === ENOENT || loss.errno === ENOTDIR)
    return new FinitError(
      'FINIT_NOT_RUNNING',
      `No bus of finit's here: there is no socket ${path}. Only finit 5 has one (built with D-Bus); transport "socket" speaks with all. ` +
        'For a finit elsewhere give its run directory: option runDir, or FINIT_RUN_DIR in the environment.',
      details,
    );
  if (loss.errno === EAGAIN)
    return new FinitError(
      'FINIT_BUSY',
      `finit does not take new connections on ${path}, and as many as it lets wait are waiting. "${what}" has not been asked.`,
      details,
    );
  if (loss.errno === EPROTOTYPE)
    return new FinitError(
      'FINIT_BAD_REPLY',
      `${path} is not the kind of socket that a bus is (SOCK_STREAM): is it finit that listens there?`,
      details,
    );
  return exchangeError(loss.errno, loss.syscall, call);
}

/** The error for a deadline that passed. */
export function late({ path, what, timeout }: Exchange): FinitError {
  return new FinitError(
    'FINIT_TIMEOUT',
    `finit did not answer "${what}" on ${path} within ${timeout} ms: it has much to do, or does not run (stopped, or stuck on a disk).`,
    { path },
  );
}

/** What finit refused with a D-Bus error. */
export class BusError extends Error {
  constructor(
    /** E.g. `org.finit.Error.NoSuchService`. */
    readonly errorName: string,
    readonly text: string,
  ) {
    super(`${errorName}: ${text}`);
  }

  /** The last part of the name: `NoSuchService`. */
  get short(): string {
    return this.errorName.slice(this.errorName.lastIndexOf('.') + 1);
  }
}

/** The error for a call that finit refused. */
export function refusal(error: BusError, { path, what }: Exchange): FinitError {
  const said = error.text || error.short;
  const details = { path, cause: error };
  switch (error.short) {
    case 'AccessDenied':
      return new FinitError(
        'FINIT_ACCESS_DENIED',
        `finit does not take "${what}" from uid ${process.geteuid?.()}: run as root, or be in the group of ${path} (when the process ` +
          'starts).',
        details,
      );
    case 'NoSuchService':
      return new FinitError('FINIT_UNKNOWN_SERVICE', `finit has no such service ("${what}")`, details);
    case 'UnknownMethod':
    case 'UnknownObject':
    case 'UnknownInterface':
    case 'UnknownProperty':
      return new FinitError(
        'FINIT_UNSUPPORTED',
        `This finit's bus does not know "${what}" (${said}). Try transport "socket".`,
        details,
      );
    default:
      return new FinitError('FINIT_REFUSED', `finit refused "${what}": ${said}`, details);
  }
}
