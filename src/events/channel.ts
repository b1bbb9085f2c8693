/** A queue of events that is read by `for await`, bounded by forgetting what a later event of the same thing has overtaken. */
import type { SystemEvent } from './types.js';

const LIMIT = 4096;

/** What an event is about: of two with the same subject, the later one tells the truth. */
function subjectOf(event: SystemEvent): string {
  if (event.type === 'condition') return `condition ${event.name}`;
  if (event.type === 'service') return `service ${event.identity}`;
  return event.type;
}

/** The last event of each subject, in order; it keeps the `previous` of the first and a crash that one of them told of. */
export function fold(events: readonly SystemEvent[]): SystemEvent[] {
  const last = new Map<string, SystemEvent>();
  for (const event of events) {
    const subject = subjectOf(event);
    const before = last.get(subject);
    last.delete(subject);
    last.set(subject, before === undefined ? event : join(before, event));
  }
  return [...last.values()];
}

function join(before: SystemEvent, event: SystemEvent): SystemEvent {
  if (before.type === 'condition' && event.type === 'condition')
    return { ...event, previous: before.previous };
  if (before.type === 'runlevel' && event.type === 'runlevel') return { ...event, previous: before.previous };
  if (before.type !== 'service' || event.type !== 'service') return event;
  const crash = event.crash ?? before.crash;
  return { ...event, previous: before.previous, ...(crash && { crash }) };
}

/** Ends when told to, or when its reader leaves the loop. */
export class Channel implements AsyncIterableIterator<SystemEvent> {
  #events: SystemEvent[] = [];
  #readers: { resolve(result: IteratorResult<SystemEvent>): void; reject(error: unknown): void }[] = [];
  #ended = false;
  #error: unknown;
  readonly #onEnd: () => void;
  readonly #limit: number;

  constructor(onEnd: () => void, limit = LIMIT) {
    this.#onEnd = onEnd;
    this.#limit = limit;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(event: SystemEvent): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#events.push(event);
    if (this.#events.length <= this.#limit) return;
    this.#events = fold(this.#events);
    // So many different things: the oldest go, half of them, so that this does not run for every event.
    if (this.#events.length > this.#limit / 2) this.#events = this.#events.slice(-this.#limit / 2);
  }

  /** What has been pushed is still delivered; after it the error, if any. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#onEnd();
    for (const [index, reader] of this.#readers.splice(0).entries()) {
      if (error !== undefined && index === 0) {
        this.#error = undefined;
        reader.reject(error);
      } else reader.resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<SystemEvent>> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (!this.#ended) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  /** Ends it and forgets what has not been read. */
  return(): Promise<IteratorResult<SystemEvent>> {
    this.#events = [];
    this.end();
    this.#error = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
