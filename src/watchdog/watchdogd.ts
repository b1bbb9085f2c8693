/**
 * A subscription to watchdogd's supervisor (watchdogd 3.1 – 4.1, src/api.c and src/supervisor.c): who does not kick in time resets the machine.
 *
 * watchdogd is unforgiving: a kick with another number than it expects is a reset, a client that connects and says nothing blocks
 * it with its hardware's pings, and one that leaves before its answer kills it by SIGPIPE. So a request is one native call that connects
 * and writes, there is one at a time, its answer is always waited for, also when the process ends, and none is ever sent twice.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';
import { native } from '../native.js';
import { checkNames } from '../option-names.js';
import { decodeWatchdogd, encodeWatchdogd, RECORD_LENGTH, WatchdogdCommand } from '../protocol/watchdogd.js';
import type { PingResult, WatchdogTarget } from './types.js';

/** What {@link watchdogd} takes. */
export interface WatchdogdOptions {
  /** Within how many milliseconds a kick has to follow another: 1000 or more. watchdogd adds 500 to the first. Default: 10000. */
  timeout?: number | undefined;
  /** What watchdogd calls this process in its logs and after a reset; 47 bytes. Default: the program's name. */
  label?: string | undefined;
  /** Its socket. Default: `/run/watchdogd/sock` (4.x), or `/var/run/watchdogd.sock` (3.x) where there is only that. */
  path?: string | undefined;
}

/** A subscription. */
export interface WatchdogdTarget extends WatchdogTarget {
  /** watchdogd's number for it, 1 to 255. */
  readonly id: number;
  /**
   * The next kick may take so long: an extended kick.
   * @param ms - milliseconds, 1 or more.
   */
  extend(ms: number): Promise<PingResult>;
}

const SOCKETS = ['/run/watchdogd/sock', '/var/run/watchdogd.sock'] as const;

/** For so many milliseconds the thread itself waits for an answer: watchdogd takes some tens of microseconds. */
const PATIENCE = 2;
/** How often it is looked for later, in milliseconds. */
const PAUSE = 5;
/** For so long an ending process waits for the answer to its last request, in milliseconds. */
const AT_EXIT = 1000;
const SENT: PingResult = Object.freeze({ outcome: 'sent' });
const EAGAIN = 11;
/** What watchdogd answers with, of which Node does not know all. */
const ERRNOS: Readonly<Record<number, string>> = {
  43: 'EIDRM',
  52: 'EBADE',
  56: 'EBADRQC',
  95: 'EOPNOTSUPP',
};
/** What has been written and not answered yet, in this thread. */
const underWay = new Set<Exchange>();
const waitForAll = () => {
  for (const exchange of underWay) exchange.last(AT_EXIT);
};

/**
 * Subscribes to watchdogd's supervisor. From then on kicks have to come ({@link start} does that), until {@link WatchdogTarget.disarm}:
 * a process that ends without it resets the machine. For processes of root, as watchdogd's socket is.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`; `FINIT_NOT_RUNNING`: no watchdogd there; `FINIT_ACCESS_DENIED`; `FINIT_REFUSED`:
 *   it has its supervisor disabled, or 255 subscribers; `FINIT_CONNECTION_LOST`, `FINIT_BAD_REPLY`, `FINIT_TIMEOUT`; `FINIT_NO_ADDON`.
 */
export async function watchdogd(options: WatchdogdOptions = {}): Promise<WatchdogdTarget> {
  checkNames('watchdogd()', options, { timeout: true, label: true, path: true });
  const { timeout = 10_000, label = basename(process.argv[1] ?? 'node') } = options;
  if (!(Number.isInteger(timeout) && timeout >= 1000 && timeout < 2 ** 31))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `timeout: whole milliseconds, 1000 or more, not ${String(timeout)}`,
    );
  for (const [name, text] of Object.entries({ label, path: options.path }))
    if (text !== undefined && typeof text !== 'string')
      throw new FinitError('FINIT_INVALID_ARGUMENT', `${name}: a string, not ${typeof text}`);
  const path = options.path ?? SOCKETS.find((socket) => existsSync(socket)) ?? SOCKETS[0];
  const subscription = new Subscription(path, timeout, label);
  const result = await subscription.subscribe();
  if (result.outcome === 'failed') throw result.error;
  return subscription;
}

class Subscription implements WatchdogdTarget {
  readonly name = 'watchdogd';
  readonly timeout: number;
  id = 0;
  readonly #path: string;
  readonly #label: string;
  #ack = 0;
  #state: 'subscribed' | 'ended' | 'lost' = 'subscribed';
  #last: Promise<PingResult> | undefined;
  #waiting = 0;

  constructor(path: string, timeout: number, label: string) {
    this.#path = path;
    this.timeout = timeout;
    this.#label = label;
  }

  subscribe(): Promise<PingResult> {
    return this.#serially(() => this.#subscribe());
  }

  ping(): Promise<PingResult> {
    return this.#serially(() => this.#kick(0));
  }

  async extend(ms: number): Promise<PingResult> {
    if (!(Number.isInteger(ms) && ms >= 1 && ms < 2 ** 31))
      throw new FinitError('FINIT_INVALID_ARGUMENT', `whole milliseconds, 1 or more, not ${String(ms)}`);
    return await this.#serially(() => this.#kick(ms));
  }

  /** watchdogd has no command for it but a wrong kick, which is what this is: with a number that it does not expect. */
  trigger(): Promise<PingResult> {
    return this.#serially(() => this.#ask(WatchdogdCommand.kick, { ack: this.#ack + 1 }));
  }

  disarm(): Promise<PingResult> {
    return this.#serially(async () => {
      if (this.#state === 'ended') return SENT;
      const result = await this.#ask(WatchdogdCommand.unsubscribe, { ack: this.#ack });
      // It is gone already, with a watchdogd that was started anew.
      const gone = result.outcome === 'failed' && result.error.errno === 'EIDRM';
      if (result.outcome === 'sent' || gone) this.#state = 'ended';
      return gone ? SENT : result;
    });
  }

  /** One at a time: the answer to one has the number for the next. */
  #serially(act: () => Promise<PingResult>): Promise<PingResult> {
    // At once if nothing is under way, so that a last ping is written although the process exits next.
    const mine = this.#waiting === 0 || this.#last === undefined ? act() : this.#last.then(act);
    this.#waiting++;
    const done = mine.finally(() => {
      this.#waiting--;
    });
    this.#last = done;
    return done;
  }

  #subscribe(): Promise<PingResult> {
    return this.#ask(WatchdogdCommand.subscribe, { id: -1, ack: 0, timeout: this.timeout });
  }

  async #kick(extension: number): Promise<PingResult> {
    const result = await this.#ask(WatchdogdCommand.kick, { ack: this.#ack, timeout: extension });
    if (result.outcome !== 'failed' || result.error.errno !== 'EIDRM') return result;
    const again = await this.#subscribe();
    if (again.outcome === 'failed' || extension === 0) return again;
    return await this.#ask(WatchdogdCommand.kick, { ack: this.#ack, timeout: extension });
  }

  async #ask(command: number, fields: { id?: number; ack: number; timeout?: number }): Promise<PingResult> {
    if (this.#state === 'lost')
      return this.#failed('FINIT_CONNECTION_LOST', 'an answer was lost, and the next number was in it');
    if (this.#state === 'ended') return this.#failed('FINIT_INVALID_ARGUMENT', 'it has been unsubscribed');
    const request = encodeWatchdogd({
      command,
      id: this.id,
      pid: process.pid,
      label: this.#label,
      ...fields,
    });
    let fd: number;
    try {
      fd = native().openStream(this.#path, request);
    } catch (error) {
      if (error instanceof FinitError) return { outcome: 'failed', error };
      throw error;
    }
    if (fd < 0) return this.#notReached(errnoName(-fd));
    const exchange = new Exchange(fd);
    try {
      const answer = decodeWatchdogd(await exchange.answer(this.timeout));
      if (answer.command === WatchdogdCommand.error) return this.#refused(answer.error);
      if (answer.command !== command)
        throw new FinitError('FINIT_BAD_REPLY', `It answers ${answer.command} to ${command}`);
      this.#ack = answer.nextAck;
      if (command === WatchdogdCommand.subscribe) this.id = answer.id;
      return SENT;
    } catch (error) {
      if (!(error instanceof FinitError)) throw error;
      // Whether it has taken another step is not to be known, and to guess wrong is a reset.
      if (command !== WatchdogdCommand.subscribe) this.#state = 'lost';
      return this.#failed(error.code, error.message);
    }
  }

  #notReached(errno: string): PingResult {
    const isAccess = errno === 'EACCES' || errno === 'EPERM';
    const isThere = errno !== 'ENOENT' && errno !== 'ECONNREFUSED';
    const code = isAccess ? 'FINIT_ACCESS_DENIED' : isThere ? 'FINIT_SYSTEM' : 'FINIT_NOT_RUNNING';
    const why = isThere ? errno : `nobody listens there (${errno})`;
    return this.#failed(code, why, errno);
  }

  #refused(error: number): PingResult {
    const errno = ERRNOS[error] ?? errnoName(error);
    const known: Record<string, string> = {
      EOPNOTSUPP: 'its supervisor is disabled: supervisor { enabled = true } in watchdogd.conf',
      ENOMEM: 'it has 255 subscribers already',
      EIDRM: 'it does not know this subscription',
      EBADE: 'the subscription is that of another process',
    };
    return this.#failed('FINIT_REFUSED', known[errno] ?? errno, errno);
  }

  #failed(code: FinitError['code'], why: string, errno?: string): PingResult {
    const error = new FinitError(code, `watchdogd at ${this.#path}: ${why}`, {
      path: this.#path,
      ...(errno !== undefined && { errno }),
    });
    return { outcome: 'failed', error };
  }
}

/** A request that has been written. */
class Exchange {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECORD_LENGTH + 1);
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws {FinitError} `FINIT_TIMEOUT`, `FINIT_CONNECTION_LOST` */
  async answer(timeout: number): Promise<Uint8Array> {
    if (underWay.size === 0) process.on('exit', waitForAll);
    underWay.add(this);
    try {
      const end = performance.now() + timeout;
      for (let wait = PATIENCE; !this.#read(wait); wait = 0) {
        if (performance.now() > end)
          throw new FinitError(
            'FINIT_TIMEOUT',
            `it has not answered within ${timeout} ms, and will not be asked again`,
          );
        await sleep(PAUSE);
      }
      native().closeStream(this.#fd);
      return this.#buffer.subarray(0, this.#length);
    } finally {
      underWay.delete(this);
      if (underWay.size === 0) process.off('exit', waitForAll);
    }
  }

  /** The process ends: the answer is waited for here, and dropped. */
  last(wait: number): void {
    native().readStream(this.#fd, this.#buffer, wait);
  }

  /**
   * Whether all is there. One that has not been answered stays open: it would be watchdogd's end.
   * @throws {FinitError} `FINIT_CONNECTION_LOST`
   */
  #read(wait: number): boolean {
    const got = native().readStream(this.#fd, this.#buffer.subarray(this.#length), wait);
    if (got === -EAGAIN) return false;
    if (got < 0 || (got === 0 && this.#length === 0)) {
      native().closeStream(this.#fd);
      throw new FinitError(
        'FINIT_CONNECTION_LOST',
        `it has closed the connection without an answer${got < 0 ? ` (${errnoName(-got)})` : ''}`,
      );
    }
    this.#length += got;
    return got === 0 || this.#length >= RECORD_LENGTH;
  }
}
