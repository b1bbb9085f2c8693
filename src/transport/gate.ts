/**
 * How many may be at it at once, in this JavaScript environment. A PID 1 that stands still would otherwise collect connections, and
 * those who wait for it memory.
 */
import { FinitError } from '../errors.js';
import { aborted, type Exchange, timedOut } from './errors.js';
import type { Deadline } from './limits.js';

/** So many may wait. */
export const MOST_WAITING = 1024;

type Call = Exchange & { deadline: Deadline };

/** Lets a few through; the others wait in order. */
export class Gate {
  readonly #places: number;
  readonly #queue: (() => void)[] = [];
  #inside = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /**
   * Waits for a place; then {@link leave} has to be called. At once, and without a promise, where there is one.
   * @throws {FinitError} `FINIT_BUSY` when too many wait; `FINIT_TIMEOUT` or `FINIT_ABORTED` when its turn has not come by then.
   */
  enter(call: Call): Promise<void> | undefined {
    if (call.signal?.aborted) throw aborted(call);
    if (this.#inside < this.#places) {
      this.#inside++;
      return undefined;
    }
    if (this.#queue.length >= MOST_WAITING)
      throw new FinitError(
        'FINIT_BUSY',
        `${MOST_WAITING} calls wait for ${call.path} already, this one was not begun: "${call.what}". finit does not answer, or not ` +
          'as fast as it is asked.',
        { path: call.path },
      );
    return new Promise((resolve, reject) => {
      const stop = (settle: () => void) => {
        clearTimeout(timer);
        call.signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const mine = () => stop(resolve);
      const giveUp = (error: FinitError) => {
        const place = this.#queue.indexOf(mine);
        if (place >= 0) this.#queue.splice(place, 1);
        stop(() => reject(error));
      };
      const onAbort = () => giveUp(aborted(call));
      const timer = setTimeout(() => giveUp(timedOut(call)), Math.ceil(call.deadline.left));
      call.signal?.addEventListener('abort', onAbort);
      this.#queue.push(mine);
    });
  }

  /** Gives the place to who has waited longest. */
  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#inside--;
    else next();
  }
}

const gates = new Map<string, Gate>();

/** The gate of that name; there are as many as sockets are used. */
export function gate(name: string, places: number): Gate {
  let found = gates.get(name);
  if (found === undefined) {
    found = new Gate(places);
    gates.set(name, found);
  }
  return found;
}
