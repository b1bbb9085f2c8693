/** What a way to the init system is, whichever it is. */
import type { CommandName, ControlMessage, RequestFields } from '../protocol/control.js';
import type { Service } from '../protocol/service.js';
import type { FinitOptions } from '../run-dir.js';

/** What everything that waits for finit takes. */
export interface WaitOptions {
  /** In milliseconds, more than 0; for the whole call. Default 5000. */
  timeout?: number | undefined;
  /** Ends the wait with `FINIT_ABORTED`. What finit has already read, it does. */
  signal?: AbortSignal | undefined;
}

/** Which finit, and how long to wait for it. */
export interface CallOptions extends FinitOptions, WaitOptions {}

/** A request: what {@link Transport.request} and {@link Transport.requestEach} send. */
export interface Request extends RequestFields {
  command: CommandName;
}

/** finit's answer. */
export interface Answer extends ControlMessage {
  /** ACK; false for a NACK. */
  ok: boolean;
}

/**
 * A way to the init system. Holds no connection: finit 4 serves one client at a time, so each exchange has its own, as short
 * as it can be.
 *
 * Everything rejects with a FinitError: `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_TIMEOUT`, `FINIT_ABORTED`,
 * `FINIT_CONNECTION_LOST`, `FINIT_BAD_REPLY`, `FINIT_INVALID_ARGUMENT`, `FINIT_SYSTEM`, and where there is no addon
 * `FINIT_NO_ADDON` or `FINIT_UNSUPPORTED`.
 */
export interface Transport {
  /**
   * One request that finit answers with yes.
   * @throws {FinitError} `FINIT_REFUSED` when it answers with no.
   */
  request(command: CommandName, fields?: RequestFields, options?: WaitOptions): Promise<Answer>;
  /** Several requests, in this order, back to back; a no is no error. The answers are in the same order. */
  requestEach(requests: readonly Request[], options?: WaitOptions): Promise<Answer[]>;
  /**
   * The first service that `name`, `name:id`, or finit's job number means; undefined if there is none.
   * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when this finit's records are not known.
   */
  findService(name: string, options?: WaitOptions): Promise<Service | undefined>;
  /**
   * All services, in finit's order.
   * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when this finit's records are not known; `FINIT_BAD_REPLY` when other clients
   *   kept getting in between, so that no list was whole.
   */
  listServices(options?: WaitOptions): Promise<Service[]>;
}
