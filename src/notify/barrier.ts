import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';
import { native } from '../native.js';
import { checkNames } from '../option-names.js';
import { BARRIER } from '../protocol/notify-text.js';
import { checkSignal } from '../signal.js';
import { attempt, deliverTo } from './calls.js';
import { type Target, unwatched } from './target.js';
import type { NotifyOptions, NotifyResult } from './types.js';

export interface BarrierOptions extends NotifyOptions {
  /** In milliseconds, more than 0; default: 5000. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** How long to wait before a full queue is tried again, in milliseconds. */
const PAUSE = 5;

/**
 * Waits until the supervisor has read all that was sent before, BARRIER=1: then a process may end without its last words being
 * lost for it (systemd looks up who sent them). Keeps the process alive meanwhile.
 *
 * finit's own socket from 4.13 on does not know of barriers, but what it reads it drops, with the descriptor that this is about, and so it
 * works there as well.
 * @returns `sent`: all has been read, or the supervisor has ended without. Failed with `FINIT_TIMEOUT`, or `FINIT_ABORTED` (the signal's reason in `cause`), or as all calls.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a timeout or signal that is none.
 */
export async function barrier(options: BarrierOptions = {}): Promise<NotifyResult> {
  checkNames('barrier()', options, { timeout: true, signal: true, socket: true });
  const { timeout = 5000, signal } = options;
  if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= 2 ** 31 - 1))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `timeout: milliseconds, more than 0, not ${String(timeout)}`,
    );
  checkSignal(signal);
  let target: Target | undefined;
  const first = attempt(options, (found) => {
    target = found;
    return found.readyOnly ? found.notUnderstood : found.sent;
  });
  if (target === undefined || first.outcome !== 'sent') return first;
  const waiting = new Wait(target);
  try {
    return await waiting.result(timeout, signal);
  } finally {
    waiting.end();
  }
}

class Wait {
  #target: Target;
  #id: number | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #forget = () => {};
  #close: (() => void) | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  result(timeout: number, signal: AbortSignal | undefined): Promise<NotifyResult> {
    const { promise, resolve } = withResolvers();
    const fail = (code: 'FINIT_TIMEOUT' | 'FINIT_ABORTED', why: string, cause?: unknown) =>
      resolve({
        outcome: 'failed',
        error: new FinitError(code, `${this.#target.address} has not answered the barrier: ${why}`, {
          path: this.#target.address,
          ...(cause !== undefined && { cause }),
        }),
      });
    const aborted = () => fail('FINIT_ABORTED', 'aborted', signal?.reason);
    if (signal?.aborted) {
      aborted();
      return promise;
    }
    signal?.addEventListener('abort', aborted, { once: true });
    this.#forget = () => signal?.removeEventListener('abort', aborted);
    this.#deadline = setTimeout(() => fail('FINIT_TIMEOUT', `${timeout} ms have passed`), timeout);
    this.#send(resolve);
    return promise;
  }

  #send(resolve: (result: NotifyResult) => void): void {
    const addon = native();
    const pipe = addon.hangup(() => resolve(this.#target.sent));
    if (typeof pipe === 'number') {
      resolve({
        outcome: 'failed',
        error: new FinitError('FINIT_SYSTEM', `No pipe for the barrier: ${errnoName(-pipe)}`, {
          errno: errnoName(-pipe),
          syscall: 'pipe2',
        }),
      });
      return;
    }
    this.#id = pipe.id;
    const result = deliverTo(this.#target, BARRIER, [pipe.fd]);
    addon.hangupSent(pipe.id);
    if (result.outcome === 'sent') return;
    if (result.outcome === 'failed' && result.error.errno === 'EAGAIN') {
      // What is still unread is just what is being waited for.
      addon.hangupEnd(pipe.id);
      // It is about what was sent there, also if unset() is called, or NOTIFY_SOCKET becomes another, meanwhile.
      if (this.#target.watchesEnvironment) {
        this.#target = unwatched(this.#target);
        this.#close = this.#target.close;
      }
      this.#pause = setTimeout(() => this.#send(resolve), PAUSE);
    } else resolve(result);
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#pause);
    this.#forget();
    this.#close?.();
    if (this.#id !== undefined) native().hangupEnd(this.#id);
  }
}

function withResolvers(): { promise: Promise<NotifyResult>; resolve: (result: NotifyResult) => void } {
  let resolve: (result: NotifyResult) => void = () => {};
  const promise = new Promise<NotifyResult>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
