/** What the calls of this room take and give. */
import type { FinitError } from '../errors.js';

/**
 * Who supervises this process:
 * - `finit`: finit's own socket, or up to 4.12 its descriptor. Knows READY, nothing else.
 * - `shim`: finit-shim, which knows all of the protocol.
 * - `systemd`: systemd, or another that speaks its protocol.
 * - `s6`, `dinit`: a descriptor, on which one can say READY, once.
 * - `none`: nobody who wants to know.
 */
export type SupervisorKind = 'finit' | 'shim' | 'systemd' | 's6' | 'dinit' | 'none';

/** What became of a notification. */
export type NotifyResult =
  /** The supervisor's socket has it. What is not in `supervisor.understands` is dropped there. */
  | { readonly outcome: 'sent'; readonly supervisor: Exclude<SupervisorKind, 'none'> }
  /**
   * Nothing was sent, as this supervisor would take it for something else, or can be told nothing more: anything but READY on finit
   * 4.4 to 4.12, s6 and dinit, and a second READY on the latter two.
   */
  | { readonly outcome: 'not-understood'; readonly supervisor: Exclude<SupervisorKind, 'none'> }
  /** Nobody wants to know: no NOTIFY_SOCKET, or no Linux. What one sees on a developer's machine. */
  | { readonly outcome: 'not-supervised' }
  /**
   * Somebody wants to know, and it could not be sent. Codes: `FINIT_NOTIFY_FAILED` (nobody at the socket, message too long, or with
   * errno `EAGAIN` a full queue), `FINIT_ACCESS_DENIED`, `FINIT_UNSUPPORTED`, `FINIT_NO_ADDON`; of a barrier also `FINIT_TIMEOUT` and
   * `FINIT_ABORTED`.
   */
  | { readonly outcome: 'failed'; readonly error: FinitError };

export interface NotifyOptions {
  /** Instead of the environment's NOTIFY_SOCKET: `/path`, `@name`, `vsock:CID:PORT`, or a descriptor's number as of finit 4.12. */
  socket?: string | undefined;
}

/** The fields of sd_notify(3) that a supervisor may understand, see `supervisor.understands`. */
export type NotifyField =
  | 'READY'
  | 'RELOADING'
  | 'STOPPING'
  | 'STATUS'
  | 'ERRNO'
  | 'BUSERROR'
  | 'EXIT_STATUS'
  | 'MAINPID'
  | 'WATCHDOG'
  | 'WATCHDOG_USEC'
  | 'EXTEND_TIMEOUT_USEC'
  | 'FDSTORE'
  | 'NOTIFYACCESS'
  | 'BARRIER';
