/**
 * Every way in which node-finit fails, as a stable string. Compare `error.code` with these; messages may change.
 */
export type FinitErrorCode =
  /** No finit there: its run directory or socket is missing, or nobody listens on the socket. */
  | 'FINIT_NOT_RUNNING'
  /** The kernel refused: not root, and not in the group that owns finit's socket or directory. */
  | 'FINIT_ACCESS_DENIED'
  /** The deadline passed before it happened. */
  | 'FINIT_TIMEOUT'
  /** The caller's AbortSignal fired; its reason is in `cause`. */
  | 'FINIT_ABORTED'
  /** finit closed the connection without an answer, or died in mid-exchange. */
  | 'FINIT_CONNECTION_LOST'
  /** Too many at once: calls that wait already, or others who list at the same time. Nothing has been done. */
  | 'FINIT_BUSY'
  /** finit answered, and the answer was no. */
  | 'FINIT_REFUSED'
  /** An answer of the wrong length or with the wrong magic. */
  | 'FINIT_BAD_REPLY'
  /** A service record of a length that belongs to no finit we know. */
  | 'FINIT_UNKNOWN_RECORD'
  /** No service of that name. */
  | 'FINIT_UNKNOWN_SERVICE'
  /** A service that was waited for cannot get there: crashed, its command missing, a condition off; the message says which. */
  | 'FINIT_SERVICE_FAILED'
  /** A condition name that finit would not take. */
  | 'FINIT_INVALID_CONDITION'
  /** An argument of the wrong type or out of range. */
  | 'FINIT_INVALID_ARGUMENT'
  /** This finit, or this platform, cannot do it. */
  | 'FINIT_UNSUPPORTED'
  /** The notification was not taken: nobody at the socket, queue full, message too long. */
  | 'FINIT_NOTIFY_FAILED'
  /** The native addon is not built or does not load here. */
  | 'FINIT_NO_ADDON'
  /** A plugin could not be loaded, or threw. */
  | 'FINIT_PLUGIN'
  /** The sandbox lacks something on this host: a tool, a permission, the network. */
  | 'FINIT_SANDBOX_UNAVAILABLE'
  /** The sandbox was there but finit did not come up, or ended. */
  | 'FINIT_SANDBOX_FAILED'
  /** An unexpected error of the operating system; `errno` and `syscall` say which. */
  | 'FINIT_SYSTEM';

/** What a {@link FinitError} may carry besides its message. */
export interface FinitErrorDetails {
  cause?: unknown;
  /** Name of the errno, e.g. `'ECONNREFUSED'`. */
  errno?: string;
  /** The system call that failed. */
  syscall?: string;
  /** The file or socket concerned. */
  path?: string;
  /** What the call was about: a service, a condition, a plugin. */
  subject?: string;
  /** For waits: the last state that was seen. */
  lastState?: string;
}

/** The one error class of this package: a stable `code`, a message that says what to do, `cause` kept. */
export class FinitError extends Error {
  override readonly name = 'FinitError';
  readonly code: FinitErrorCode;
  declare readonly errno?: string;
  declare readonly syscall?: string;
  declare readonly path?: string;
  declare readonly subject?: string;
  declare readonly lastState?: string;

  constructor(code: FinitErrorCode, message: string, details: FinitErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, fields);
  }
}

/** True for a FinitError, also one from another copy of this package; with `code`, only for that code. */
export function isFinitError(error: unknown, code?: FinitErrorCode): error is FinitError {
  return (
    error instanceof Error &&
    error.name === 'FinitError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  );
}
