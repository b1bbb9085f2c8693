/** What a way to the init system is, whichever it is. */
import type { Runlevel, Service } from '../protocol/service.js';
import type { FinitOptions } from '../run-dir.js';

/**
 * The ways to an init system.
 * - `socket`: the control socket of finit 4.2 – 4.17, which 5 keeps as a fallback;
 * - `bus`: the private D-Bus bus of finit 5;
 * - `initctl`: running `initctl -j`, which knows its own finit's records.
 */
export type TransportKind = 'socket' | 'bus' | 'initctl';

/** What everything that waits for finit takes. */
export interface WaitOptions {
  /** In milliseconds, more than 0; for the whole call. Default 5000. */
  timeout?: number | undefined;
  /** Ends the wait with `FINIT_ABORTED`. What finit has already read, it does. */
  signal?: AbortSignal | undefined;
}

/** Which finit, by which way, and how long to wait for it. */
export interface CallOptions extends FinitOptions, WaitOptions {
  /**
   * The way to it. Default: the environment's `FINIT_TRANSPORT`, or `auto`: what is there, the bus first, and `initctl` for records
   * of an unknown length. `system.info()` tells which that is.
   */
  transport?: TransportKind | 'auto' | undefined;
}

/** What can be done to services by name. */
export type ServiceAction = 'start' | 'stop' | 'restart' | 'reload';

/** The ways down, and to sleep. */
export type PowerAction = 'reboot' | 'halt' | 'poweroff' | 'suspend';

/** What {@link Transport.runlevel} gives. */
export interface RunlevelState {
  current: Runlevel;
  /** Absent while there has been none. finit's `initctl`, and its bus, say N for that, and for S and 0: so by them it is absent then, too. */
  previous?: Runlevel;
}

/** What is known of the finit at the other end. */
export interface FinitVersion {
  /** Exactly, e.g. `4.14`, when that is known. */
  version?: string;
  /** All that it may be, oldest first; empty when nothing is known. `5.0-dev` stands for what will be 5.0. */
  candidates: readonly string[];
  /** How that is known, in words: `length of a service record (20360 bytes)`. */
  evidence: string;
}

/**
 * A way to the init system.
 *
 * Everything rejects with a FinitError: `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_TIMEOUT`, `FINIT_ABORTED`,
 * `FINIT_CONNECTION_LOST`, `FINIT_BAD_REPLY`, `FINIT_BUSY`, `FINIT_INVALID_ARGUMENT`, `FINIT_SYSTEM`, `FINIT_UNSUPPORTED` for
 * what this way cannot do, and where there is no addon `FINIT_NO_ADDON`. Names of services have been checked by the caller (checkServiceName).
 */
export interface Transport {
  readonly kind: TransportKind;
  /** The socket, or the program. */
  readonly path: string;

  /**
   * All services, in finit's order.
   * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when this finit's records are not known; `FINIT_BAD_REPLY` when other clients
   *   kept getting in between, so that no list was whole.
   */
  listServices(options?: WaitOptions): Promise<Service[]>;
  /**
   * The first service that `name`, `name:id`, or finit's job number means; undefined if there is none.
   * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when this finit's records are not known.
   */
  findService(name: string, options?: WaitOptions): Promise<Service | undefined>;
  /** Which of these names finit has no service for. */
  unknownServices(names: readonly string[], options?: WaitOptions): Promise<string[]>;
  /**
   * Starts, stops, restarts or reloads services, in this order; done when finit has accepted it. finit says yes to names that it does not
   * know: ask first. Never retried.
   * @returns the names for which it refused.
   */
  act(action: ServiceAction, names: readonly string[], options?: WaitOptions): Promise<string[]>;
  /** Sends a signal to the main processes of services. @returns the names for which finit refused, not running for one. */
  signalServices(names: readonly string[], signal: number, options?: WaitOptions): Promise<string[]>;

  runlevel(options?: WaitOptions): Promise<RunlevelState>;
  /** Asks for another runlevel, once. finit 4 says yes to everything. */
  setRunlevel(level: Runlevel, options?: WaitOptions): Promise<void>;
  /** Makes finit read its configuration again. */
  reload(options?: WaitOptions): Promise<void>;
  /** Turns finit's debug messages on, or off. */
  toggleDebug(options?: WaitOptions): Promise<void>;
  /**
   * Asks finit to go down or to sleep, once.
   * @param force - in seconds: shut down by force after so long; 0: never.
   * @throws {FinitError} `FINIT_REFUSED` for a suspend that failed; finit 4 refuses the others always, and does them.
   */
  power(action: PowerAction, force: number, options?: WaitOptions): Promise<void>;
  /** Names of the plugins that finit has loaded. */
  plugins(options?: WaitOptions): Promise<string[]>;
  /** Names of what a plugin depends on. */
  pluginDependencies(name: string, options?: WaitOptions): Promise<string[]>;
  /** Replaces the root file system and starts `init` of the new one, finit 4.16 and newer. Asked once. */
  switchRoot(newRoot: string, init: string, options?: WaitOptions): Promise<void>;
  /** What is known of its version. Asks finit. */
  version(options?: WaitOptions): Promise<FinitVersion>;
}
