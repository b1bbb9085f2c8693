/** The pings themselves, whoever they are for. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { FinitError } from '../errors.js';
import { checkNames } from '../option-names.js';
import { reasonOf } from '../thrown.js';
import { notifyTarget } from './enabled.js';
import { failed, isResult, settled } from './result.js';
import type { PingResult, WatchdogTarget } from './types.js';

/** Why there was no ping, or none that arrived. */
export interface Skipped {
  /** `check` threw or gave false; it did not end in time; the ping was sent, and did not arrive. */
  reason: 'check-failed' | 'check-timeout' | 'ping-failed';
  /** What `check` threw, or what the ping failed with. */
  error?: unknown;
}

/** What {@link start} takes. */
export interface WatchdogOptions {
  /** Who waits for pings. Default: this process's supervisor. */
  target?: WatchdogTarget | undefined;
  /** Milliseconds between two pings, less than the target's timeout. Default: half of it. */
  interval?: number | undefined;
  /**
   * Asked before each ping whether all is well; there is none when it throws, rejects or gives `false`. May be async; not called again
   * before it has ended. Its `signal` is aborted when its time is over.
   */
  check?: ((signal: AbortSignal) => unknown) | undefined;
  /** How long `check` may take, in milliseconds. Default: `interval`. */
  checkTimeout?: number | undefined;
  /**
   * Told of each ping that is missing; when it throws, that becomes a warning of the process (`process.on('warning')`, by default on
   * stderr). Default: the first of several in a row becomes such a warning.
   */
  onSkip?: ((skipped: Skipped) => void) | undefined;
}

/** Pings that are under way. */
export interface Watchdog extends Disposable {
  /** Whether there is anybody to ping, and {@link stop} was not called. */
  readonly active: boolean;
  /** Milliseconds between two pings; undefined when there is nobody to ping. */
  readonly interval: number | undefined;
  /** Within how many milliseconds a ping has to follow another; Infinity when nobody waits for any. */
  readonly timeout: number;
  /** How many pings have arrived. */
  readonly pings: number;
  /** How many were left out, or did not arrive. */
  readonly skipped: number;
  /**
   * By how many milliseconds the event loop was late for the last ping, and for the latest of all: for so long it was blocked. What comes
   * near `timeout - interval` ends in an abort.
   */
  readonly delay: { readonly last: number; readonly max: number };
  /** How busy the event loop was between the last two pings: 0 to 1. */
  readonly utilization: number;
  /** What became of the last ping. */
  readonly last: PingResult | undefined;
  /**
   * Ends the pings, and has the target wait for none any more. A process that ends need not call it for a supervisor; but watchdogd and
   * the system's watchdog reset the machine when pings end without it.
   * @param options.disarm - false: the target is told nothing, and acts when the ping is missing.
   * @returns what became of that.
   */
  stop(options?: { disarm?: boolean | undefined }): Promise<PingResult>;
}

const OPTIONS: Record<keyof WatchdogOptions, true> = {
  target: true,
  interval: true,
  check: true,
  checkTimeout: true,
  onSkip: true,
};

/** What setTimeout() takes at most. */
const LONGEST = 2 ** 31 - 1;

/**
 * Pings now, and then again and again from the event loop of this thread, so that one that is blocked is noticed. Does not keep the
 * process alive, and ends with it. Where nobody waits for pings (see {@link enabled}) and no `interval` is given nothing is done.
 *
 * After a ping that had to be left out it is tried again after a quarter of the interval, so that a check that fails once is not the end.
 * Time in which the machine was asleep does not count, for the timers here as for a supervisor's (CLOCK_MONOTONIC), and pings that
 * were due meanwhile are not made up for.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function start(options: WatchdogOptions = {}): Watchdog {
  checkNames('watchdog.start()', options, OPTIONS);
  return new Pinger(options);
}

class Pinger implements Watchdog {
  readonly timeout: number;
  readonly interval: number | undefined;
  pings = 0;
  skipped = 0;
  utilization = 0;
  last: PingResult | undefined;
  readonly #target: WatchdogTarget;
  readonly #check: WatchdogOptions['check'];
  readonly #checkTimeout: number;
  readonly #onSkip: WatchdogOptions['onSkip'];
  readonly #delay = { last: 0, max: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = 0;
  #checking = false;
  #warned = false;
  #stopped = false;
  #disarmed: Promise<PingResult> | undefined;
  #loop: EventLoopUtilization = performance.eventLoopUtilization();

  constructor({ target = notifyTarget(), interval, check, checkTimeout, onSkip }: WatchdogOptions) {
    for (const [name, call] of Object.entries({ check, onSkip }))
      if (call !== undefined && typeof call !== 'function')
        throw new FinitError('FINIT_INVALID_ARGUMENT', `${name}: a function, not ${typeof call}`);
    checkDuration('interval', interval);
    checkDuration('checkTimeout', checkTimeout);
    checkTarget(target);
    this.timeout = target.timeout;
    if (interval !== undefined && interval >= this.timeout)
      throw new FinitError(
        'FINIT_INVALID_ARGUMENT',
        `interval: less than the ${this.timeout} ms that ${target.name} waits for, not ${interval}`,
      );
    this.#target = target;
    this.#check = check;
    this.#onSkip = onSkip;
    if (interval === undefined && this.timeout === Number.POSITIVE_INFINITY) {
      this.#checkTimeout = 0;
      return;
    }
    this.interval = interval ?? Math.min(this.timeout / 2, LONGEST);
    this.#checkTimeout = checkTimeout ?? this.interval;
    this.#due = performance.now();
    this.#tick();
  }

  get active(): boolean {
    return this.interval !== undefined && !this.#stopped;
  }

  get delay(): { last: number; max: number } {
    return { ...this.#delay };
  }

  async stop(options: { disarm?: boolean | undefined } = {}): Promise<PingResult> {
    checkNames('stop()', options, { disarm: true });
    clearTimeout(this.#timer);
    this.#stopped = true;
    const { disarm = true } = options;
    if (disarm && this.interval !== undefined) this.#disarmed ??= settled(() => this.#target.disarm());
    return (await this.#disarmed) ?? { outcome: 'not-supervised' };
  }

  [Symbol.dispose](): void {
    // Who has called stop() has said whether the target is to be told.
    if (!this.#stopped) void this.stop();
  }

  /** From now on, not from when it was due: what the machine has slept through is not made up for. */
  #schedule(delay: number): void {
    if (!this.active) return;
    this.#due = performance.now() + delay;
    this.#timer = setTimeout(() => this.#tick(), delay);
    this.#timer.unref();
  }

  #tick(): void {
    const { last, max } = this.#delay;
    // Timers are precise to the millisecond.
    this.#delay.last = Math.max(0, performance.now() - this.#due);
    this.#delay.max = Math.max(max, last, this.#delay.last);
    const loop = performance.eventLoopUtilization();
    this.utilization = performance.eventLoopUtilization(loop, this.#loop).utilization;
    this.#loop = loop;
    if (this.#check === undefined) this.#ping();
    else void this.#checkFirst(this.#check);
  }

  async #checkFirst(check: (signal: AbortSignal) => unknown): Promise<void> {
    if (this.#checking) {
      this.#skip({ reason: 'check-timeout' });
      return;
    }
    this.#checking = true;
    const abort = new AbortController();
    const began = performance.now();
    let late = false;
    const tooLong = () => {
      late = true;
      abort.abort(new FinitError('FINIT_TIMEOUT', `The check has taken more than ${this.#checkTimeout} ms`));
      this.#skip({ reason: 'check-timeout', error: abort.signal.reason });
    };
    const deadline = setTimeout(tooLong, this.#checkTimeout);
    deadline.unref();
    let problem: Skipped | undefined;
    try {
      if ((await check(abort.signal)) === false) problem = { reason: 'check-failed' };
    } catch (error) {
      problem = { reason: 'check-failed', error };
    }
    clearTimeout(deadline);
    this.#checking = false;
    if (late || !this.active) return;
    if (problem !== undefined) this.#skip(problem);
    // One that has blocked the event loop has kept the deadline from coming.
    else if (performance.now() - began > Math.max(1, this.#checkTimeout)) tooLong();
    else this.#ping();
  }

  #ping(): void {
    let result: PingResult | Promise<PingResult>;
    try {
      result = this.#target.ping();
    } catch (error) {
      result = failed(error);
    }
    // At once if it can be, so that what start() gives knows of the first.
    if (isResult(result)) this.#pinged(result);
    else void settled(() => result).then((late) => this.#pinged(late));
  }

  #pinged(result: PingResult): void {
    this.last = result;
    if (result.outcome === 'failed') {
      this.#skip({ reason: 'ping-failed', error: result.error });
      return;
    }
    this.pings++;
    this.#warned = false;
    this.#schedule(this.interval ?? 0);
  }

  #skip(skipped: Skipped): void {
    if (!this.active) return;
    this.skipped++;
    this.#schedule((this.interval ?? 0) / 4);
    const onSkip = this.#onSkip;
    if (onSkip === undefined) {
      const what = skipped.reason === 'ping-failed' ? 'A watchdog ping failed' : 'The watchdog is not pinged';
      this.#warn(`${what}: ${'error' in skipped ? reasonOf(skipped.error) : 'its check gave false'}`);
    } else
      void (async () => onSkip(skipped))().catch((error) =>
        this.#warn(`The watchdog's onSkip failed: ${reasonOf(error)}`),
      );
  }

  #warn(message: string): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(message, 'FinitWatchdogWarning');
  }
}

function checkTarget(target: WatchdogTarget): void {
  const { ping, disarm, timeout } = (target ?? {}) as Partial<WatchdogTarget>;
  if (typeof ping !== 'function' || typeof disarm !== 'function')
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `target: what watchdogd() and systemWatchdog() give${target instanceof Promise ? ', not a promise of it: await it' : ''}`,
    );
  if (typeof timeout !== 'number' || !(timeout > 0))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `target.timeout: milliseconds, more than 0, not ${String(timeout)}`,
    );
}

function checkDuration(name: string, ms: unknown): void {
  if (ms !== undefined && !(typeof ms === 'number' && ms > 0 && ms <= LONGEST))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${name}: milliseconds, more than 0 and at most ${LONGEST}, not ${String(ms)}`,
    );
}
