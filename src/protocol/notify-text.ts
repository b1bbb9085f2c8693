/**
 * The text of readiness notifications, sd_notify(3): `KEY=value` lines.
 *
 * Values are checked: one that held a newline would be read as further assignments, `READY=1` among them.
 */
import { FinitError } from '../errors.js';
import { checkNames } from '../option-names.js';
import { reasonOf } from '../thrown.js';

/**
 * `READY=1`, always alone: finit >= 4.13 reads 31 bytes of a datagram and drops the rest, finit 4.4 – 4.12 compares the
 * whole message (service_notify_cb() in src/service.c). The newline is needed by the latter, harmless for the others.
 */
export const READY = 'READY=1\n';

/** The service begins to stop. finit reads and drops it. */
export const STOPPING = 'STOPPING=1\n';

/** A ping to the service's watchdog. */
export const WATCHDOG = 'WATCHDOG=1\n';

/** The watchdog is to act as if a ping had been missed. */
export const WATCHDOG_TRIGGER = 'WATCHDOG=trigger\n';

/** Comes with a descriptor, and alone, as systemd wants it: the receiver closes that when it has seen all messages before. */
export const BARRIER = 'BARRIER=1\n';

/** Who may send notifications for the service: nobody, its main process, that and its control processes, all of its processes. */
export type NotifyAccess = 'none' | 'main' | 'exec' | 'all';

/** What one message says, sd_notify(3). All times are milliseconds. */
export interface Notification {
  /** READY=1: started, or reloaded. Not together with `reloading` or `stopping`. */
  ready?: boolean | undefined;
  /** RELOADING=1, with MONOTONIC_USEC: reads its configuration anew; says `ready` when it has. */
  reloading?: boolean | undefined;
  /** STOPPING=1: begins to stop. */
  stopping?: boolean | undefined;
  /** STATUS: one line for people. */
  status?: string | undefined;
  /** ERRNO: why it failed, 0 or more. */
  errno?: number | undefined;
  /** BUSERROR: the same as a D-Bus error name, e.g. `'org.freedesktop.DBus.Error.TimedOut'`. */
  busError?: string | undefined;
  /** EXIT_STATUS: of the service, or of a virtual machine's system; 0 – 255. */
  exitStatus?: number | undefined;
  /** MAINPID: the service's main process, 1 or more. */
  mainPid?: number | undefined;
  /** WATCHDOG=1: a ping. `'trigger'`: act as if one had been missed. */
  watchdog?: true | 'trigger' | undefined;
  /** WATCHDOG_USEC: another deadline for pings, in milliseconds; 0 for none. */
  watchdogTimeout?: number | undefined;
  /** EXTEND_TIMEOUT_USEC: starting, reloading or stopping takes so many more milliseconds from now on, more than 0. */
  extendTimeout?: number | undefined;
  /** FDSTORE=1: descriptors to keep for the service's next start, 253 at most; copies of them are sent. */
  fds?: readonly number[] | undefined;
  /** FDNAME: what they are called, in LISTEN_FDNAMES then: 1 to 255 printable ASCII characters, no colon. Default: `stored`. */
  fdName?: string | undefined;
  /** FDPOLL=0 if false: they are kept also after they have hung up. */
  fdPoll?: boolean | undefined;
  /** FDSTOREREMOVE=1 and FDNAME: forget those of this name. Not together with `fds`. */
  removeFds?: string | undefined;
  /** NOTIFYACCESS */
  access?: NotifyAccess | undefined;
  /** Fields of one's own: names begin with `X_`, then A – Z, 0 – 9 and `_`; values of one line. */
  fields?: Readonly<Record<string, string>> | undefined;
}

const FIELDS: Record<keyof Notification, true> = {
  ready: true,
  reloading: true,
  stopping: true,
  status: true,
  errno: true,
  busError: true,
  exitStatus: true,
  mainPid: true,
  watchdog: true,
  watchdogTimeout: true,
  extendTimeout: true,
  fds: true,
  fdName: true,
  fdPoll: true,
  removeFds: true,
  access: true,
  fields: true,
};

/** The kernel's SCM_MAX_FD: so many descriptors go with a message. */
const MOST_DESCRIPTORS = 253;

/**
 * `STATUS=…`: one line for people. finit reads and drops it.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when the text holds a newline, carriage return or NUL.
 */
export function encodeStatus(text: string): string {
  return `STATUS=${line('A status', text)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless an integer from 0 on. */
export function encodeErrno(errno: number): string {
  return `ERRNO=${integer('An errno', errno, 0, 0x7fffffff)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless a D-Bus error name: two or more parts with dots between them. */
export function encodeBusError(name: string): string {
  const text = line('The name of a D-Bus error', name);
  if (text.length > 255 || !/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/.test(text))
    invalid(
      `${JSON.stringify(text)} is not the name of a D-Bus error, e.g. org.freedesktop.DBus.Error.TimedOut`,
    );
  return `BUSERROR=${text}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless 0 – 255. */
export function encodeExitStatus(status: number): string {
  return `EXIT_STATUS=${integer('An exit status', status, 0, 255)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless an integer from 1 on. */
export function encodeMainPid(pid: number): string {
  return `MAINPID=${integer('A process id', pid, 1, 0x7fffffff)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless milliseconds, 0 or more. */
export function encodeWatchdogTimeout(ms: number): string {
  return `WATCHDOG_USEC=${microseconds('The timeout of the watchdog', ms, 0)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless milliseconds, more than 0. */
export function encodeExtendTimeout(ms: number): string {
  return `EXTEND_TIMEOUT_USEC=${microseconds('The time to extend a timeout by', ms, 0.001)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for anything but the four words. */
export function encodeAccess(access: NotifyAccess): string {
  if (!['none', 'main', 'exec', 'all'].includes(access))
    invalid(`Access is none, main, exec or all, not ${shown(access)}`);
  return `NOTIFYACCESS=${access}\n`;
}

/**
 * `RELOADING=1`. systemd wants to know when that was (Type=notify-reload).
 * @param monotonic - CLOCK_MONOTONIC in microseconds.
 */
export function encodeReloading(monotonic: bigint): string {
  return `RELOADING=1\nMONOTONIC_USEC=${monotonic}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a name that systemd would not take. */
export function encodeRemoveFds(name: string): string {
  return `FDSTOREREMOVE=1\nFDNAME=${fdName(name)}\n`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a name that systemd would not take. */
export function encodeStoreFds(options: { name?: string | undefined; poll?: boolean | undefined }): string {
  const name = options.name === undefined ? '' : `FDNAME=${fdName(options.name)}\n`;
  return `FDSTORE=1\n${name}${options.poll === false ? 'FDPOLL=0\n' : ''}`;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless 1 to 253 descriptors' numbers. */
export function checkFds(fds: readonly number[]): readonly number[] {
  // A copy: the addon would take a proxy of an array for none.
  const numbers = Array.isArray(fds) ? [...fds] : [];
  if (numbers.length === 0 || numbers.length > MOST_DESCRIPTORS)
    invalid(`Descriptors are an array of 1 to ${MOST_DESCRIPTORS} numbers`);
  for (const fd of numbers) integer('A descriptor', fd, 0, 0x7fffffff);
  return numbers;
}

/**
 * All of it but `READY=1`, which some want to have for itself; `''` when there is nothing else.
 * @param monotonic - CLOCK_MONOTONIC in microseconds, for `reloading`.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when a value is not what {@link Notification} says, when what it says contradicts
 *   itself, or when it says nothing at all.
 */
export function encodeNotification(said: Notification, monotonic: () => bigint): string {
  checkNames('A notification', said, FIELDS);
  const { ready, reloading, stopping, watchdog, fds, removeFds } = said;
  for (const [name, value] of Object.entries({ ready, reloading, stopping, fdPoll: said.fdPoll }))
    if (value !== undefined && typeof value !== 'boolean') invalid(`${name} is true or false`);
  if (ready && (reloading || stopping)) invalid('ready contradicts reloading and stopping');
  if (fds !== undefined && removeFds !== undefined) invalid('fds and removeFds are two messages');
  if (fds === undefined && (said.fdName !== undefined || said.fdPoll !== undefined))
    invalid('fdName and fdPoll belong to fds');
  if (watchdog !== undefined && watchdog !== true && watchdog !== 'trigger')
    invalid("watchdog is true or 'trigger'");
  if (fds !== undefined) checkFds(fds);
  const text = [
    reloading && encodeReloading(monotonic()),
    stopping && STOPPING,
    given(said.status, encodeStatus),
    given(said.errno, encodeErrno),
    given(said.busError, encodeBusError),
    given(said.exitStatus, encodeExitStatus),
    given(said.mainPid, encodeMainPid),
    watchdog && (watchdog === true ? WATCHDOG : WATCHDOG_TRIGGER),
    given(said.watchdogTimeout, encodeWatchdogTimeout),
    given(said.extendTimeout, encodeExtendTimeout),
    fds && encodeStoreFds({ name: said.fdName, poll: said.fdPoll }),
    given(removeFds, encodeRemoveFds),
    given(said.access, encodeAccess),
    given(said.fields, encodeFields),
  ]
    .filter(Boolean)
    .join('');
  if (text === '' && !ready) invalid('A notification says something: ready, status, watchdog …');
  return text;
}

function encodeFields(fields: Readonly<Record<string, string>>): string {
  if (typeof fields !== 'object' || fields === null) invalid(`fields: an object, not ${shown(fields)}`);
  return Object.entries(fields)
    .map(([name, value]) => {
      if (!/^X_[A-Z0-9_]+$/.test(name))
        invalid(`${JSON.stringify(name)}: a field of one's own begins with X_, then A - Z, 0 - 9 and _`);
      return `${name}=${line(name, value)}\n`;
    })
    .join('');
}

function given<T>(value: T | undefined, encode: (value: T) => string): string {
  return value === undefined ? '' : encode(value);
}

function invalid(message: string): never {
  throw new FinitError('FINIT_INVALID_ARGUMENT', message);
}

/** A value that is wrong, for a message: it may be anything. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : reasonOf(value);
}

function line(what: string, text: string): string {
  if (typeof text !== 'string') invalid(`${what} is a string, not ${typeof text}`);
  const bad = /[\n\r\0]/.exec(text);
  if (bad) invalid(`${what} is one line of text, this one has ${JSON.stringify(bad[0])} at ${bad.index}`);
  return text;
}

function integer(what: string, value: number, from: number, to: number): number {
  if (!Number.isInteger(value) || value < from || value > to)
    invalid(`${what} is an integer from ${from} to ${to}, not ${shown(value)}`);
  return value;
}

/** Milliseconds as microseconds, to the next. */
function microseconds(what: string, ms: number, from: number): string {
  if (typeof ms !== 'number' || !(ms >= from) || ms > Number.MAX_SAFE_INTEGER / 1000)
    invalid(`${what} is in milliseconds, ${from === 0 ? '0 or more' : 'more than 0'}, not ${shown(ms)}`);
  return String(Math.round(ms * 1000));
}

/** fdname_is_valid() in systemd's src/basic/fd-util.c. */
function fdName(name: string): string {
  if (typeof name !== 'string' || !/^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name))
    invalid(`A descriptor's name is 1 to 255 printable ASCII characters without a colon, not ${shown(name)}`);
  return name;
}
