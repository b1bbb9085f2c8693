/** The notifications. */
import { constants } from 'node:os';
import { FinitError } from '../errors.js';
import { checkNames } from '../option-names.js';
import {
  checkFds,
  encodeAccess,
  encodeBusError,
  encodeErrno,
  encodeExitStatus,
  encodeExtendTimeout,
  encodeMainPid,
  encodeNotification,
  encodeReloading,
  encodeRemoveFds,
  encodeStatus,
  encodeStoreFds,
  encodeWatchdogTimeout,
  type Notification,
  type NotifyAccess,
  READY,
  STOPPING,
  WATCHDOG,
  WATCHDOG_TRIGGER,
} from '../protocol/notify-text.js';
import { notSent } from './failure.js';
import { currentTarget, knownTarget } from './supervisor.js';
import type { Target } from './target.js';
import type { NotifyOptions, NotifyResult } from './types.js';

const NOT_SUPERVISED: NotifyResult = Object.freeze({ outcome: 'not-supervised' });

const STALE = constants.errno.ESTALE;

/** Where all copies of this package that a program has in this thread see it: one may say ready(), and another have onReload(). */
const SAID_READY = Symbol.for('node-finit.saidReady');
const shared = globalThis as { [SAID_READY]?: boolean };

/** Whether this thread has said that it is ready. */
export function saidReady(): boolean {
  return shared[SAID_READY] === true;
}

/**
 * Says that the service is ready: finit sets its condition `service/<identity>/ready`, and starts what waits for that.
 *
 * For a stanza with `notify:systemd`, or `notify:s6` with `%n` in its arguments. With the former to be called again after SIGHUP, when the
 * service has read its configuration ({@link onReload} does): until then the condition is in flux, and what needs it is paused (SIGSTOP).
 */
export function ready(options?: NotifyOptions): NotifyResult {
  shared[SAID_READY] = true;
  return deliver(READY, undefined, options);
}

/** Says that the service reads its configuration anew; {@link ready} has to follow. With the time, as systemd wants it. */
export function reloading(options?: NotifyOptions): NotifyResult {
  return deliver(encodeReloading(monotonic()), undefined, options);
}

/** Says that the service begins to stop. */
export function stopping(options?: NotifyOptions): NotifyResult {
  return deliver(STOPPING, undefined, options);
}

/**
 * Says in one line, for people, what the service is doing.
 *
 * finit itself reads and drops it; the shim and systemd show it.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when the text holds a newline, carriage return or NUL, supervised or not.
 */
export function status(text: string, options?: NotifyOptions): NotifyResult {
  // The short way, see deliver(); whatever is wrong, the long way says it.
  const target = knownTarget;
  if (target !== undefined && options === undefined && target.send(text, true) === 0) return target.sent;
  return deliver(encodeStatus(text), undefined, options);
}

/**
 * Says why the service failed.
 * @param errno - 0 or more, e.g. `os.constants.errno.EADDRINUSE`.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function errno(errno: number, options?: NotifyOptions): NotifyResult {
  return deliver(encodeErrno(errno), undefined, options);
}

/**
 * Says why the service failed.
 * @param name - of a D-Bus error, e.g. `'org.freedesktop.DBus.Error.TimedOut'`.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function busError(name: string, options?: NotifyOptions): NotifyResult {
  return deliver(encodeBusError(name), undefined, options);
}

/**
 * Says with which status the service, or the system in a virtual machine, has ended.
 * @param status - 0 to 255.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function exitStatus(status: number, options?: NotifyOptions): NotifyResult {
  return deliver(encodeExitStatus(status), undefined, options);
}

/**
 * Says which process is the service's main one.
 * @param pid - 1 or more.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function mainPid(pid: number, options?: NotifyOptions): NotifyResult {
  return deliver(encodeMainPid(pid), undefined, options);
}

/** A ping to the watchdog, WATCHDOG=1. `node-finit/watchdog` sends them by itself. */
export function watchdog(options?: NotifyOptions): NotifyResult {
  return deliver(WATCHDOG, undefined, options);
}

/** Has the watchdog act at once, as if a ping had been missed. */
export function watchdogTrigger(options?: NotifyOptions): NotifyResult {
  return deliver(WATCHDOG_TRIGGER, undefined, options);
}

/**
 * Sets another deadline for pings.
 * @param ms - milliseconds; 0 for none.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function watchdogTimeout(ms: number, options?: NotifyOptions): NotifyResult {
  return deliver(encodeWatchdogTimeout(ms), undefined, options);
}

/**
 * Asks for time: starting, reloading or stopping, whichever is going on, is over at the earliest so long from now on; to be called again
 * before that.
 * @param ms - milliseconds, more than 0.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function extendTimeout(ms: number, options?: NotifyOptions): NotifyResult {
  return deliver(encodeExtendTimeout(ms), undefined, options);
}

/** What the descriptors are called, and whether they are kept when they hang up. */
export interface StoreFdsOptions extends NotifyOptions {
  /** 1 to 255 printable ASCII characters, no colon; in LISTEN_FDNAMES at the next start. systemd's default: `stored`. */
  name?: string | undefined;
  /** false: kept also after they have hung up or failed. */
  poll?: boolean | undefined;
}

/**
 * Gives copies of descriptors to the supervisor, which hands them to the service's next start: {@link listenFds}. systemd wants
 * FileDescriptorStoreMax= for that, the shim `--keep-alive`.
 * @param fds - 1 to 253 numbers.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function storeFds(fds: readonly number[], options: StoreFdsOptions = {}): NotifyResult {
  checkNames('storeFds()', options, { name: true, poll: true, socket: true });
  return deliver(encodeStoreFds(options), checkFds(fds), options);
}

/**
 * Has the supervisor close the descriptors of this name.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function removeFds(name: string, options?: NotifyOptions): NotifyResult {
  return deliver(encodeRemoveFds(name), undefined, options);
}

/**
 * Says who may send notifications for this service from now on.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function access(who: NotifyAccess, options?: NotifyOptions): NotifyResult {
  return deliver(encodeAccess(who), undefined, options);
}

/**
 * Says several things in one message. To finit's own socket, READY goes first, in a message for itself: it reads 31 bytes of each. Where
 * nothing but READY is understood, that alone is sent.
 * @returns of two messages the first failure, if any.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when a value is not what {@link Notification} says.
 */
export function send(said: Notification, options?: NotifyOptions): NotifyResult {
  const text = encodeNotification(said, monotonic);
  const { ready: isReady = false } = said;
  const fds = said.fds && checkFds(said.fds);
  if (isReady) shared[SAID_READY] = true;
  if (text === '') return deliver(READY, undefined, options);
  if (!isReady) return deliver(text, fds, options);
  return attempt(options, (target) => {
    if (target.kind !== 'finit' && !target.readyOnly) return deliverTo(target, READY + text, fds);
    const first = deliverTo(target, READY);
    return target.readyOnly || first.outcome !== 'sent' ? first : deliverTo(target, text, fds);
  });
}

/** CLOCK_MONOTONIC in microseconds. */
function monotonic(): bigint {
  return process.hrtime.bigint() / 1000n;
}

function deliver(text: string, fds?: readonly number[], options?: NotifyOptions): NotifyResult {
  // The short way, for what happens nearly always: no closure, no look at process.env.
  const target = knownTarget;
  if (target !== undefined && options === undefined && fds === undefined) {
    const result = target.send(text);
    if (result === 0) return target.sent;
    if (result !== -STALE) return again(target, result, text);
  }
  return attempt(options, (target) => deliverTo(target, text, fds));
}

/** Turns what is thrown on the way into a result. */
export function attempt(
  options: NotifyOptions | undefined,
  act: (target: Target) => NotifyResult,
): NotifyResult {
  const socket = socketOf(options);
  try {
    const target = currentTarget(socket);
    return target === undefined ? NOT_SUPERVISED : act(target);
  } catch (error) {
    if (error instanceof FinitError) return { outcome: 'failed', error };
    throw error;
  }
}

function socketOf(options: NotifyOptions | undefined): string | undefined {
  const socket = options?.socket;
  if (socket !== undefined && typeof socket !== 'string')
    throw new FinitError('FINIT_INVALID_ARGUMENT', `socket: a string, not ${typeof socket}`);
  return socket;
}

/** @throws {FinitError} see {@link Target.send} */
export function deliverTo(target: Target, text: string, fds?: readonly number[]): NotifyResult {
  if (target.readyOnly && text !== READY) return target.notUnderstood;
  const result = fds === undefined ? target.send(text) : target.send(text, fds);
  return result === 0 ? target.sent : again(target, result, text, fds);
}

function again(target: Target, first: number, text: string, fds?: readonly number[]): NotifyResult {
  let result = first;
  const { errno: known } = constants;
  while (result === -known.ECONNREFUSED && target.retries > 0) {
    target.retries--;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    result = fds === undefined ? target.send(text) : target.send(text, fds);
  }
  if (result === 0) return target.sent;
  if (result === -known.EALREADY) return target.notUnderstood;
  return { outcome: 'failed', error: notSent(-result, target.kind, target.address) };
}
