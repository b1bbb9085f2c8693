/**
 * How long calls may take.
 */
import { FinitError } from '../errors.js';

/** How long PID 1 may take, unless the caller says otherwise, in milliseconds. An exchange takes some 20 µs. */
export const DEFAULT_TIMEOUT = 5000;

const LONGEST = 2 ** 31 - 1;

/**
 * The timeout that an option means.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function checkTimeout(timeout: number = DEFAULT_TIMEOUT): number {
  if (typeof timeout !== 'number' || !(timeout > 0))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `A timeout is a number of milliseconds above 0, not ${timeout}`,
    );
  return Math.min(timeout, LONGEST);
}

/** A point in time after which nothing waits any more. */
export class Deadline {
  readonly timeout: number;
  readonly #end: number;

  constructor(timeout?: number) {
    this.timeout = checkTimeout(timeout);
    this.#end = performance.now() + this.timeout;
  }

  /** Milliseconds that are left; 0 when it has passed. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }
}
