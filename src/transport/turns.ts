/**
 * One at a time, in this process: calls that would disturb each other wait for their turn.
 */
import { aborted, type Exchange, timedOut } from './errors.js';
import type { Deadline } from './limits.js';

const queues = new Map<string, Promise<unknown>>();

/**
 * Runs `work` when everything that was queued before it under the same key has ended.
 * @throws {FinitError} `FINIT_TIMEOUT` or `FINIT_ABORTED` when its turn has not come by then.
 */
export async function inTurn<T>(
  key: string,
  call: Exchange & { deadline: Deadline },
  work: () => Promise<T>,
): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  let leave = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  // Who gives up leaves at once; who came later still waits for those before.
  const after = before.then(() => left);
  queues.set(key, after);
  after.then(() => queues.get(key) === after && queues.delete(key));
  try {
    await turn(before, call);
    return await work();
  } finally {
    leave();
  }
}

function turn(before: Promise<unknown>, call: Exchange & { deadline: Deadline }): Promise<void> {
  if (call.signal?.aborted) return Promise.reject(aborted(call));
  return new Promise((resolve, reject) => {
    const onAbort = () => stop(() => reject(aborted(call)));
    const timer = setTimeout(() => stop(() => reject(timedOut(call))), call.deadline.left);
    const stop = (settle: () => void) => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', onAbort);
      settle();
    };
    call.signal?.addEventListener('abort', onAbort);
    before.then(() => stop(resolve));
  });
}
