import { FinitError } from '../errors.js';
import { reasonOf } from '../thrown.js';
import { ready, reloading, saidReady, send } from './calls.js';
import type { NotifyResult } from './types.js';

/** Undoes what gave it: call it, or `using`. */
export type Disposer = (() => void) & Disposable;

type Handler = () => unknown;

/** How often READY is tried when the supervisor does not read, and the pause in between, in milliseconds: 5 s in all. */
const TRIES = 200;
const PAUSE = 25;

const handlers = new Set<Handler>();
let running = false;
let again = false;

/**
 * Has this done at SIGHUP, which is how finit and others ask a service to read its configuration anew. RELOADING is sent before
 * and READY after it, so that dependants are paused for no longer than it takes.
 *
 * - One at a time: a SIGHUP while one is under way makes for one more afterwards. Several handlers run one after the other,
 *   with one RELOADING before and one READY after them all.
 * - When a handler throws, the others run, READY is sent nonetheless, as the service goes on with what it had, and STATUS says what
 *   went wrong. The error becomes a warning of the process (`process.on('warning')`, by default on stderr).
 * - READY that cannot be sent becomes a warning too; a queue that is full is waited for, for 5 s.
 * - Before the service has said that it is ready, nothing is sent: it is not yet.
 * @param handler - may be async; READY waits for it.
 * @returns takes it back; with the last one the signal has its default effect again, which is to end the process.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for what is no function, `FINIT_UNSUPPORTED` in a worker thread, which gets no signals.
 */
export function onReload(handler: () => unknown): Disposer {
  if (typeof handler !== 'function')
    throw new FinitError('FINIT_INVALID_ARGUMENT', `onReload() takes a function, not ${typeof handler}`);
  if (!process.getBuiltinModule('node:worker_threads').isMainThread)
    throw new FinitError('FINIT_UNSUPPORTED', 'Signals are for the main thread: call onReload() there');
  // Its own object, so that one function can be there twice.
  const entry: Handler = () => handler();
  if (handlers.size === 0) process.on('SIGHUP', onSignal);
  handlers.add(entry);
  const dispose = () => {
    if (handlers.delete(entry) && handlers.size === 0) process.off('SIGHUP', onSignal);
  };
  return Object.assign(dispose, { [Symbol.dispose]: dispose });
}

function onSignal(): void {
  if (running) again = true;
  else void reload();
}

async function reload(): Promise<void> {
  running = true;
  try {
    do {
      again = false;
      await once();
    } while (again);
  } finally {
    running = false;
  }
}

async function once(): Promise<void> {
  const tell = saidReady();
  if (tell) reloading();
  const errors: unknown[] = [];
  for (const handler of [...handlers])
    try {
      // It may have been taken back by one before it.
      if (handlers.has(handler)) await handler();
    } catch (error) {
      errors.push(error);
    }
  if (tell) {
    const status = `Reload failed: ${oneLine(reasonOf(errors[0]))}`;
    const result = await patiently(() => (errors.length === 0 ? ready() : send({ ready: true, status })));
    if (result.outcome === 'failed') process.emitWarning(result.error);
  }
  const { isNativeError } = process.getBuiltinModule('node:util').types;
  for (const error of errors) process.emitWarning(isNativeError(error) ? error : reasonOf(error));
}

/** READY has to get there: dependants are paused until then, and nobody would say it again. So a full queue is waited for. */
async function patiently(say: () => NotifyResult): Promise<NotifyResult> {
  let result = say();
  for (let i = 0; i < TRIES && result.outcome === 'failed' && result.error.errno === 'EAGAIN'; i++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    result = say();
  }
  return result;
}

/** What fits into a status. */
function oneLine(text: string): string {
  return text.replace(/[\n\r\0]+/g, ' ').slice(0, 500);
}
