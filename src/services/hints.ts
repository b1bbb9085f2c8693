/** That something may have changed: finit's conditions, as a bell. What has changed is asked for. */
import { watch } from '../conditions/index.js';
import type { CallOptions } from '../transport/index.js';

/** Rings when finit's conditions change. Where they cannot be watched it never rings: then there is only time. */
export class Hints {
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #following: Promise<void>;
  #rung = false;
  #wake: (() => void) | undefined;

  /** Watches from now on. */
  constructor(options: CallOptions) {
    const { signal } = this.#abort;
    this.#signal = options.signal ? AbortSignal.any([signal, options.signal]) : signal;
    this.#following = this.#follow(options);
  }

  async #follow({ runDir }: CallOptions): Promise<void> {
    try {
      for await (const { previous } of watch('**', { runDir, signal: this.#signal })) {
        // Not what was there at the beginning.
        if (previous === undefined) continue;
        this.#rung = true;
        this.#wake?.();
      }
    } catch {
      // finit has gone, which the next look will tell, or they may not be watched.
    }
  }

  /** Until it rings, or has rung since the last time, for so many milliseconds at most. */
  async wait(time: number): Promise<void> {
    if (!this.#rung && !this.#signal.aborted)
      await new Promise<void>((resolve) => {
        const stop = () => {
          clearTimeout(timer);
          this.#signal.removeEventListener('abort', stop);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(stop, time);
        this.#signal.addEventListener('abort', stop);
        this.#wake = stop;
      });
    this.#rung = false;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#following;
  }
}
