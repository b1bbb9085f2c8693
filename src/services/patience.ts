/** Asking a finit that is busy with others, or away for a moment. */
import { isFinitError } from '../errors.js';
import type { Deadline } from '../transport/index.js';

/**
 * For so long finit may not be there, in milliseconds: at SIGHUP and SIGUSR1 it closes its control socket and makes it anew (sighup_cb() in
 * src/sig.c, 4.12 – 4.17), and whoever waits in the old one's backlog is dropped.
 */
const ABSENT = 500;

/** For asking the same finit again and again. */
export class Patience {
  readonly #deadline: Deadline;
  #absentSince: number | undefined;

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  /**
   * What finit answers; undefined when it is to be asked again.
   * @throws what finit's silence is, when there is no time left for it
   */
  async of<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask();
      this.#absentSince = undefined;
      return answer;
    } catch (error) {
      if (this.#deadline.left === 0) throw error;
      if (isFinitError(error, 'FINIT_BUSY')) return undefined;
      if (!isFinitError(error, 'FINIT_NOT_RUNNING') && !isFinitError(error, 'FINIT_CONNECTION_LOST'))
        throw error;
      this.#absentSince ??= performance.now();
      if (performance.now() - this.#absentSince > ABSENT) throw error;
      return undefined;
    }
  }
}
