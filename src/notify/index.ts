/**
 * What a service tells its supervisor: that it is ready, what it is doing, that it stops.
 *
 * Nothing here throws because of where it runs: without a supervisor, or where there is no finit at all, it says so in its
 * result. All of it is synchronous and does not block, but for some milliseconds right after the start (see RETRIES).
 */
import { FinitError } from '../errors.js';
import { encodeStatus, READY, STOPPING } from '../protocol/notify-text.js';
import { encodeText } from '../protocol/text.js';
import { findSupervisor, type Supervisor } from './supervisor.js';

/** What became of a notification. */
export type NotifyResult =
  /**
   * The supervisor's socket has it. `supervisor` is `'finit'`, or `'systemd'` for anything else that speaks its protocol. finit
   * acts on {@link ready} only, and drops the others.
   */
  | { outcome: 'sent'; supervisor: 'finit' | 'systemd' }
  /** Nobody wants to know: no NOTIFY_SOCKET, or no Linux. What one sees on a developer's machine. */
  | { outcome: 'not-supervised' }
  /**
   * Somebody wants to know, and it could not be sent. Codes: `FINIT_NOTIFY_FAILED` (nobody at the socket, queue full, message too
   * long), `FINIT_ACCESS_DENIED`, `FINIT_UNSUPPORTED`, `FINIT_NO_ADDON`.
   */
  | { outcome: 'failed'; error: FinitError };

export interface NotifyOptions {
  /** Instead of the environment's NOTIFY_SOCKET at the time of the call. */
  socket?: string | undefined;
}

/**
 * Says that the service is ready: finit sets its condition `service/<identity>/ready`, and starts what waits for that.
 *
 * For a stanza with `notify:systemd`. To be called again after SIGHUP, when the service has read its configuration: until
 * then the condition is in flux, and what needs it is paused (SIGSTOP).
 */
export function ready(options: NotifyOptions = {}): NotifyResult {
  return send(READY, options);
}

/**
 * Says in one line, for people, what the service is doing.
 *
 * finit 4.13 and later read and drop it. On 4.4 to 4.12 it is not sent, and failed with `FINIT_UNSUPPORTED`: any line would
 * mark the service as ready there.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when the text holds a newline, carriage return or NUL, supervised or not.
 */
export function status(text: string, options: NotifyOptions = {}): NotifyResult {
  return send(encodeStatus(text), options);
}

/** Says that the service begins to stop. On finit: as {@link status}. */
export function stopping(options: NotifyOptions = {}): NotifyResult {
  return send(STOPPING, options);
}

function send(message: string, options: NotifyOptions): NotifyResult {
  try {
    const supervisor =
      process.platform === 'linux' ? findSupervisor(options.socket ?? process.env.NOTIFY_SOCKET) : undefined;
    if (supervisor === undefined) return { outcome: 'not-supervised' };
    refuseUnlessReady(message, supervisor);
    supervisor.send(encodeText(message));
    return { outcome: 'sent', supervisor: supervisor.kind };
  } catch (error) {
    if (error instanceof FinitError) return { outcome: 'failed', error };
    throw error;
  }
}

/** service_notify_cb() in src/service.c of 4.4 – 4.12: `READY=1\n`, or anything else that ends with a newline, is ready. */
function refuseUnlessReady(message: string, supervisor: Supervisor): void {
  if (message === READY || !supervisor.readyOnly) return;
  throw new FinitError(
    'FINIT_UNSUPPORTED',
    `${message.trim()} was not sent: finit 4.4 to 4.12 (NOTIFY_SOCKET is a descriptor's number) would take it for READY=1`,
  );
}
