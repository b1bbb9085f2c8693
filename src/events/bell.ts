/** Something to wait for that may have rung already. */
export class Bell {
  #rung = false;
  #answer: (() => void) | undefined;

  /** Ends the present wait, or else the next. */
  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /** Until it rings (true), `ms` have passed or `signal` fires (false). Without `ms`: as long as it takes. */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(done, ms);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        this.#answer = done;
        signal.addEventListener('abort', done, { once: true });
      });
      this.#answer = undefined;
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}

/** So many milliseconds, or less when the signal fires. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Bell().wait(ms, signal);
}
