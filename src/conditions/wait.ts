/** Waiting for conditions. */
import { FinitError } from '../errors.js';
import { parseConditionName } from '../protocol/condition-name.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { checkSignal } from '../signal.js';
import { asList, nameLimit } from './names.js';
import type { ConditionState } from './state.js';
import { acquire, release } from './tree.js';

export interface WaitOptions extends FinitOptions {
  /** In milliseconds; without it there is no deadline. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** The state to wait for; default `'on'`. */
  state?: ConditionState | undefined;
}

/**
 * Waits until conditions are on (or in `state`), all at the same time. A condition that is not there yet, because finit is
 * still booting or has not heard of its owner, is waited for as well.
 * @param names full names; a bare one means `usr/<name>`
 * @throws {FinitError} `FINIT_TIMEOUT` and `FINIT_ABORTED` (with `lastState`), `FINIT_NOT_RUNNING` also when finit goes away
 *   meanwhile, `FINIT_INVALID_CONDITION`, `FINIT_ACCESS_DENIED`, `FINIT_INVALID_ARGUMENT`
 */
export async function wait(names: string | readonly string[], options: WaitOptions = {}): Promise<void> {
  const { timeout, signal, state = 'on' } = options;
  const runDir = resolveRunDir(options);
  const limit = nameLimit(runDir);
  const wanted = asList(names).map((name) => parseConditionName(name, limit));
  if (wanted.length === 0)
    throw new FinitError('FINIT_INVALID_ARGUMENT', 'wait() needs at least one condition');
  if (!['on', 'off', 'flux'].includes(state))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `no state of a condition: ${JSON.stringify(state)}`);
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `timeout: milliseconds, 0 or more, not ${timeout}`);
  checkSignal(signal);
  const what = wanted.map((name) => `<${name}>`).join(', ');
  if (signal?.aborted) throw aborted(`waiting for ${what}`, signal);

  const tree = acquire(runDir);
  try {
    await new Promise<void>((resolve, reject) => {
      const missing = (): string[] => wanted.filter((name) => tree.state(name) !== state);
      if (missing().length === 0) {
        resolve();
        return;
      }
      const lastState = (): string => missing().map(tree.state, tree).join(', ');
      const report = (): string =>
        missing()
          .map((name) => `<${name}> is ${tree.state(name)}`)
          .join(', ');
      const finish = (error?: FinitError): void => {
        unsubscribe();
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const unsubscribe = tree.subscribe({
        change: ({ name }) => {
          if (wanted.includes(name) && missing().length === 0) finish();
        },
        failed: finish,
      });
      const onAbort = (): void =>
        finish(aborted(`waiting for ${what} to be ${state}: ${report()}`, signal, lastState()));
      signal?.addEventListener('abort', onAbort, { once: true });
      const onTimeout = (): void => {
        // The timer of a loop that was busy comes before the events that were there in time.
        tree.catchUp();
        if (missing().length === 0 || tree.closed) return;
        finish(
          new FinitError('FINIT_TIMEOUT', `waited ${timeout} ms for ${what} to be ${state}: ${report()}`, {
            subject: wanted.join(','),
            lastState: lastState(),
          }),
        );
      };
      // Longer than setTimeout() can is about 24 days, after which nobody is waiting any more.
      const timer =
        timeout === undefined || timeout === Infinity
          ? undefined
          : setTimeout(onTimeout, Math.min(timeout, 2 ** 31 - 1));
    });
  } finally {
    release(tree);
  }
}

function aborted(doing: string, signal: AbortSignal | undefined, lastState?: string): FinitError {
  return new FinitError('FINIT_ABORTED', `aborted ${doing}`, {
    cause: signal?.reason,
    ...(lastState !== undefined && { lastState }),
  });
}
