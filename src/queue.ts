/** An async iterator over things that are pushed, bounded by folding what waits. */

export interface QueueOptions<T> {
  /** Called when more than `limit` items wait: returns what of them is to be kept, in order. */
  fold(items: T[]): T[];
  limit: number;
  /** Called once, when the iteration ends in whatever way. */
  onEnd(): void;
}

export class Queue<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void }[] = [];
  #error: unknown;
  #ended = false;
  #threshold: number;
  readonly #options: QueueOptions<T>;

  constructor(options: QueueOptions<T>) {
    this.#options = options;
    this.#threshold = options.limit;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(item: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value: item, done: false });
      return;
    }
    this.#items.push(item);
    if (this.#items.length <= this.#threshold) return;
    this.#items = this.#options.fold(this.#items);
    // What cannot be folded further is not tried again with every item.
    this.#threshold = Math.max(this.#options.limit, this.#items.length * 2);
  }

  /** No more items; those that wait are still delivered, then the error (if any), then the end. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#options.onEnd();
    for (const waiting of this.#waiting.splice(0)) this.#settle(waiting);
  }

  #settle(waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void }): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) waiting.reject(error);
    else waiting.resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    return new Promise((resolve, reject) => {
      if (this.#ended) this.#settle({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.end();
    this.#error = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
