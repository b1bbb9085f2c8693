/** The system's watchdog, /dev/watchdogN: linux/watchdog.h, and the kernel's Documentation/watchdog/watchdog-api.rst. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoName } from '../errno.js';
import { FinitError, type FinitErrorCode } from '../errors.js';
import { native, WatchdogValue } from '../native.js';
import { checkNames } from '../option-names.js';
import { type CallOptions, giveWatchdogTo } from '../transport/index.js';
import type { PingResult, WatchdogTarget } from './types.js';

/** What {@link systemWatchdog} takes. */
export interface SystemWatchdogOptions {
  /** Default: `/dev/watchdog`. */
  device?: string | undefined;
  /** Within how many milliseconds a ping has to follow another; the driver knows whole seconds, and may choose another. Default: as it is. */
  timeout?: number | undefined;
  /** So many milliseconds before the end the driver warns (an NMI, a panic: as it is set up); 0: not. Default: as it is. */
  pretimeout?: number | undefined;
  /**
   * When finit's own watchdogd has the device: have finit end it and take this process for the watchdog (WDOG_HELLO), which has to be a
   * service of finit: 4.2 – 4.17. Default: false, and the error is `FINIT_BUSY`.
   */
  takeOver?: boolean | CallOptions | undefined;
}

/** What a watchdog can do, and why the machine was started: WDIOF_… */
export type WatchdogFlag = keyof typeof FLAGS;

const FLAGS = {
  overheat: 0x1,
  fanFault: 0x2,
  external1: 0x4,
  external2: 0x8,
  powerUnder: 0x10,
  cardReset: 0x20,
  powerOver: 0x40,
  setTimeout: 0x80,
  magicClose: 0x100,
  pretimeout: 0x200,
  alarmOnly: 0x400,
  keepAlivePing: 0x8000,
} as const;

/** A watchdog that is open: armed. */
export interface SystemWatchdog extends WatchdogTarget {
  readonly device: string;
  /** What the driver calls it, e.g. `i6300ESB timer`. */
  readonly identity: string;
  readonly firmware: number;
  readonly capabilities: readonly WatchdogFlag[];
  /** Why the machine was started, as far as the driver knows: `cardReset` after a reset by the watchdog. */
  readonly bootStatus: readonly WatchdogFlag[];
  /**
   * In milliseconds, 0 for none. Linux warns by itself, since 5.13, where a driver cannot, and has no capability `pretimeout`. undefined
   * where it is not known.
   */
  readonly pretimeout: number | undefined;
  ping(): PingResult;
  /**
   * Resets the machine, after the shortest time that the driver takes (1 s, mostly; where it takes no other, after its timeout): pings are
   * refused from then on.
   */
  trigger(): PingResult;
  /** Closes it such that it stops: the magic close. A driver with `nowayout` goes on nonetheless, and resets the machine. */
  disarm(): PingResult;
  /**
   * @param ms - milliseconds, rounded up to seconds
   * @throws {FinitError} `FINIT_UNSUPPORTED`, `FINIT_INVALID_ARGUMENT`, `FINIT_SYSTEM`
   */
  setTimeout(ms: number): void;
  /** As {@link setTimeout}; 0 for none. */
  setPretimeout(ms: number): void;
  /** Milliseconds until the reset; undefined where the driver does not say. */
  timeLeft(): number | undefined;
  /** Closes it without stopping it: whoever opens it next has to ping in time. */
  handOver(): void;
}

const SENT: PingResult = Object.freeze({ outcome: 'sent' });
/** How long finit has to end its own: it waits 3 s before it kills. In milliseconds. */
const PATIENCE = 6000;
/** A driver that takes no timeout up to here, in seconds, is left with the one that it has. */
const SHORTEST = 60;

/**
 * Opens the system's watchdog, which arms it: from now on pings have to come ({@link start} does that), or the machine is reset.
 * @throws {FinitError} `FINIT_BUSY`: somebody has it; `FINIT_UNSUPPORTED`: no such device, or no watchdog; `FINIT_ACCESS_DENIED`;
 *   `FINIT_INVALID_ARGUMENT`; `FINIT_SYSTEM`; `FINIT_NO_ADDON`; with `takeOver` those of finit's control socket.
 */
export async function systemWatchdog(options: SystemWatchdogOptions = {}): Promise<SystemWatchdog> {
  checkNames('systemWatchdog()', options, { device: true, timeout: true, pretimeout: true, takeOver: true });
  const { device = '/dev/watchdog', timeout, pretimeout, takeOver = false } = options;
  if (timeout !== undefined) toSeconds('timeout', timeout, 1);
  if (pretimeout !== undefined) toSeconds('pretimeout', pretimeout, 0);
  const addon = native();
  let fd = open(device);
  if (fd === undefined && takeOver !== false) {
    // What finit has started, if this is behind finit-shim.
    const pid = process.env.FINIT_SHIM === '1' ? process.ppid : process.pid;
    await giveWatchdogTo(pid, takeOver === true ? {} : takeOver);
    const end = performance.now() + PATIENCE;
    while (fd === undefined && performance.now() < end) {
      await sleep(20);
      fd = open(device);
    }
  }
  if (fd === undefined)
    throw new FinitError(
      'FINIT_BUSY',
      `${device} is open elsewhere${takeOver ? ', also after asking finit' : ''}`,
      {
        path: device,
      },
    );
  const support = addon.watchdogSupport(fd);
  if (typeof support === 'number') {
    const error = failure('WDIOC_GETSUPPORT', device, -support);
    // A device that does not know the question is none that has been armed.
    closeSync(fd);
    throw error;
  }
  const watchdog = new Device(fd, device, support);
  try {
    if (timeout !== undefined) watchdog.setTimeout(timeout);
    if (pretimeout !== undefined) watchdog.setPretimeout(pretimeout);
  } catch (error) {
    watchdog.disarm();
    throw error;
  }
  return watchdog;
}

/** undefined: somebody has it. */
function open(device: string): number | undefined {
  try {
    return openSync(device, constants.O_WRONLY);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') return undefined;
    const codes: Record<string, FinitErrorCode> = {
      ENOENT: 'FINIT_UNSUPPORTED',
      ENODEV: 'FINIT_UNSUPPORTED',
      ENXIO: 'FINIT_UNSUPPORTED',
      EACCES: 'FINIT_ACCESS_DENIED',
      EPERM: 'FINIT_ACCESS_DENIED',
    };
    throw new FinitError(codes[code] ?? 'FINIT_SYSTEM', `${device} cannot be opened: ${code}`, {
      path: device,
      syscall: 'open',
      errno: code,
    });
  }
}

class Device implements SystemWatchdog {
  readonly name: string;
  readonly identity: string;
  readonly firmware: number;
  readonly capabilities: readonly WatchdogFlag[];
  readonly bootStatus: readonly WatchdogFlag[];
  readonly #fd: number;
  #state: 'open' | 'triggered' | 'closed' = 'open';

  constructor(
    fd: number,
    readonly device: string,
    support: { options: number; firmware: number; identity: string },
  ) {
    this.#fd = fd;
    this.name = device;
    this.identity = support.identity;
    this.firmware = support.firmware;
    this.capabilities = toFlags(support.options);
    this.bootStatus = toFlags(Math.max(0, native().watchdogGet(fd, WatchdogValue.bootStatus)));
  }

  get timeout(): number {
    const seconds = this.#get(WatchdogValue.timeout);
    return seconds === undefined || seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  }

  get pretimeout(): number | undefined {
    const seconds = this.#get(WatchdogValue.pretimeout);
    return seconds === undefined ? undefined : seconds * 1000;
  }

  timeLeft(): number | undefined {
    const seconds = this.#get(WatchdogValue.timeLeft);
    return seconds === undefined ? undefined : seconds * 1000;
  }

  setTimeout(ms: number): void {
    this.#set('timeout', toSeconds('timeout', ms, 1));
  }

  setPretimeout(ms: number): void {
    this.#set('pretimeout', toSeconds('pretimeout', ms, 0));
  }

  ping(): PingResult {
    if (this.#state !== 'open') return this.#isNotOpen();
    return this.#write('\0');
  }

  trigger(): PingResult {
    if (this.#state === 'closed') return this.#isNotOpen();
    this.#state = 'triggered';
    // Drivers have a shortest time, and few say which: iTCO takes 3 s, not 2. Each that is accepted is a ping.
    const most = this.timeout / 1000;
    for (let seconds = 1; seconds < Math.min(most, SHORTEST); seconds++)
      if (native().watchdogSet(this.#fd, WatchdogValue.timeout, seconds) >= 0) break;
    return SENT;
  }

  disarm(): PingResult {
    if (this.#state === 'closed') return SENT;
    const result = this.#write('V');
    this.handOver();
    return result;
  }

  handOver(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    closeSync(this.#fd);
  }

  #isNotOpen(): PingResult {
    const why = this.#state === 'closed' ? 'has been closed' : 'was told to reset the machine';
    return {
      outcome: 'failed',
      error: new FinitError('FINIT_INVALID_ARGUMENT', `${this.device} ${why}`, { path: this.device }),
    };
  }

  #write(text: string): PingResult {
    try {
      writeSync(this.#fd, text);
      return SENT;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      return {
        outcome: 'failed',
        error: new FinitError('FINIT_SYSTEM', `${this.device} cannot be written to: ${code}`, {
          path: this.device,
          syscall: 'write',
          errno: code,
        }),
      };
    }
  }

  #get(what: number): number | undefined {
    if (this.#state === 'closed') return undefined;
    const value = native().watchdogGet(this.#fd, what);
    return value < 0 ? undefined : value;
  }

  #set(what: 'timeout' | 'pretimeout', seconds: number): void {
    const result =
      this.#state === 'closed' ? -9 : native().watchdogSet(this.#fd, WatchdogValue[what], seconds);
    if (result < 0) throw failure(`${what} of ${seconds} s`, this.device, -result);
  }
}

function failure(what: string, device: string, errno: number): FinitError {
  const name = errnoName(errno);
  const code: FinitErrorCode =
    name === 'ENOTTY' || name === 'EOPNOTSUPP'
      ? 'FINIT_UNSUPPORTED'
      : name === 'EINVAL'
        ? 'FINIT_INVALID_ARGUMENT'
        : 'FINIT_SYSTEM';
  const why = name === 'ENOTTY' ? 'is no watchdog, or one that does not know this' : 'refuses it';
  return new FinitError(code, `${device} ${why}: ${what} (${name})`, {
    path: device,
    syscall: 'ioctl',
    errno: name,
  });
}

function toSeconds(name: string, ms: number, least: number): number {
  const seconds = typeof ms === 'number' ? Math.ceil(ms / 1000) : Number.NaN;
  if (!(seconds >= least && seconds < 2 ** 31))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `${name}: milliseconds, not ${String(ms)}`);
  return seconds;
}

function toFlags(bits: number): WatchdogFlag[] {
  return (Object.keys(FLAGS) as WatchdogFlag[]).filter((flag) => (bits & FLAGS[flag]) !== 0);
}
