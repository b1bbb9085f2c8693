import { type FinitErrorCode, isFinitError } from '../errors.js';
import { Bell, sleep } from './bell.js';
import { ServiceTracker, serviceEvent } from './service-tracker.js';
import type { Sources } from './sources.js';
import type { FinitEvent, ReloadEvent, RunlevelEvent, ServiceEvent } from './types.js';

/** What one reader of a hub wants. */
export interface HubReader {
  /** Absent: no services. */
  service?: ((identity: string, name: string) => boolean) | undefined;
  reload: boolean;
  runlevel: boolean;
  finit: boolean;
  push(event: ServiceEvent | ReloadEvent | RunlevelEvent | FinitEvent): void;
  failed(error: unknown): void;
}

/** In milliseconds. */
const TIMES = {
  /** From a hint to asking: a crash and the respawn after it take finit 3 ms and are one event. */
  settle: 20,
  /** Between two looks at a service on its way to another state; doubles up to `retryMax`. */
  retry: 100,
  retryMax: 2000,
  /** Between two attempts to reach a finit that has gone. */
  absent: 500,
  /**
   * finit leaves no trace of a runlevel change that moves no service (4.14), so that it is asked now and then. And between two looks
   * for a bus.
   */
  runlevel: 5000,
};

/** finit asserts conditions for these stanzas; each is `<type>/<identity>/<state>`. */
const HINTS = ['service/*/*', 'run/*/*', 'task/*/*', 'sysv/*/*', 'tty/*/*'];

/** Up to so many services are asked one by one, more by listing all. */
const SINGLE = 4;

/** finit is booting, shutting down, or busy: to be asked again. */
const TRANSIENT: readonly FinitErrorCode[] = [
  'FINIT_NOT_RUNNING',
  'FINIT_CONNECTION_LOST',
  'FINIT_TIMEOUT',
  'FINIT_REFUSED',
  'FINIT_BUSY',
];

/**
 * One per finit: follows conditions, and the bus of finit 5, for hints, asks finit what they are about, and tells all readers the difference. It asks only for
 * what a reader wants.
 */
export class Hub {
  readonly #readers = new Set<HubReader>();
  readonly #tracker = new ServiceTracker();
  readonly #abort = new AbortController();
  readonly #hints = new Set<string>();
  readonly #marked = new Set<string>();
  #askAll = false;
  #listed = false;
  readonly #bell = new Bell();
  #up: boolean | undefined;
  #generation: number | undefined;
  #runlevel: RunlevelEvent | undefined;

  constructor(
    readonly runDir: string,
    private readonly sources: Sources,
    private readonly times = TIMES,
  ) {
    void this.#run();
  }

  get idle(): boolean {
    return this.#readers.size === 0;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Adds a reader, who first hears what is known. */
  subscribe(reader: HubReader): () => void {
    this.#readers.add(reader);
    if (reader.finit && this.#up !== undefined)
      reader.push({ type: 'finit', state: this.#up ? 'up' : 'down' });
    if (reader.runlevel && this.#runlevel) reader.push(this.#runlevel);
    if (this.#listed)
      for (const service of this.#tracker.services) this.#offer(reader, serviceEvent(service, undefined));
    else if (reader.service) this.#askAll = true;
    this.#bell.ring();
    return () => this.#readers.delete(reader);
  }

  close(): void {
    this.#abort.abort();
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    while (!this.closed) {
      try {
        await this.#session();
      } catch (error) {
        // Gone after it was there: it may come again. Never there, or another error: the readers ought to know.
        if (!isFinitError(error, 'FINIT_NOT_RUNNING') || this.#up === undefined) {
          this.close();
          this.#fail(error);
          return;
        }
      }
      this.#setUp(false);
      await sleep(this.times.absent, this.#abort.signal);
    }
  }

  /** From finding finit to losing it. */
  async #session(): Promise<void> {
    const session = new AbortController();
    const signal = AbortSignal.any([session.signal, this.#abort.signal]);
    const options = { runDir: this.runDir, signal };
    try {
      const generations = this.sources.watchGeneration(options);
      const hints = this.sources.watchConditions(HINTS, options);
      this.#askAll = true;
      await Promise.all([
        this.#followGeneration(generations),
        this.#followHints(hints),
        this.#followBus(options),
        this.#refreshLoop(signal),
      ]);
    } finally {
      session.abort();
      this.#bell.ring();
    }
  }

  async #followGeneration(generations: ReturnType<Sources['watchGeneration']>): Promise<void> {
    for await (const { generation } of generations) {
      const before = this.#generation;
      this.#generation = generation ?? before;
      this.#setUp(generation !== undefined);
      if (generation === undefined || generation === before) continue;
      this.#askAll = true;
      this.#bell.ring();
      if (before === undefined) continue;
      for (const reader of this.#readers) if (reader.reload) reader.push({ type: 'reload', generation });
    }
  }

  async #followHints(hints: ReturnType<Sources['watchConditions']>): Promise<void> {
    for await (const { name, state } of hints) {
      const [, identity = '', what] = name.split('/');
      if (state === 'on' && (what === 'restart' || what === 'crashed')) this.#marked.add(identity);
      this.#hints.add(identity);
      this.#bell.ring();
    }
  }

  /** Where there is a bus, its signals are further hints: they tell of runlevels at once, and of states without a condition. */
  async #followBus(options: { runDir: string; signal: AbortSignal }): Promise<void> {
    while (!options.signal.aborted) {
      try {
        for await (const signal of this.sources.watchBus(options)) {
          if (signal.type === 'condition') continue;
          if (signal.type === 'service') this.#hints.add(signal.identity);
          else if (signal.type !== 'runlevel') this.#askAll = true;
          this.#bell.ring();
        }
      } catch (error) {
        // Conditions tell enough without.
        if (!TRANSIENT.some((code) => isFinitError(error, code))) return;
      }
      await sleep(this.times.runlevel, options.signal);
    }
  }

  async #refreshLoop(signal: AbortSignal): Promise<void> {
    let delay = this.times.retry;
    let due: number | undefined = 0;
    while (!signal.aborted) {
      const rung = await this.#bell.wait(due, signal);
      delay = rung ? this.times.retry : Math.min(delay * 2, this.times.retryMax);
      await sleep(this.times.settle, signal);
      if (signal.aborted) return;
      const ok = await this.#refresh(signal);
      if (!ok || this.#tracker.passing.length > 0) due = delay;
      else due = this.#wanted('runlevel') ? this.times.runlevel : undefined;
    }
  }

  /** Asks what has to be asked. False: finit did not answer, it has to be asked again. */
  async #refresh(signal: AbortSignal): Promise<boolean> {
    const hints = new Set([...this.#hints, ...this.#tracker.passing]);
    const marked = new Set(this.#marked);
    const all = this.#askAll || hints.size > SINGLE;
    this.#hints.clear();
    this.#marked.clear();
    this.#askAll = false;
    try {
      if (this.#wanted('service')) await this.#refreshServices(all, hints, marked, signal);
      if (this.#wanted('runlevel')) await this.#refreshRunlevel(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      if (!TRANSIENT.some((code) => isFinitError(error, code))) {
        this.#fail(error, (reader) => reader.service !== undefined || reader.runlevel);
        return true;
      }
      this.#askAll = true;
      for (const identity of marked) this.#marked.add(identity);
      return false;
    }
  }

  async #refreshServices(
    all: boolean,
    hints: ReadonlySet<string>,
    marked: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const options = { runDir: this.runDir, signal };
    // Up to 4.17 a long identity is cut off in the name of a condition: an unknown one means to look at all.
    if (!all && this.#listed && [...hints].every((identity) => this.#tracker.has(identity))) {
      try {
        for (const identity of hints) {
          const event = this.#tracker.update(await this.sources.get(identity, options), marked.has(identity));
          if (event) this.#publish(event);
        }
        return;
      } catch (error) {
        // Removed meanwhile.
        if (!isFinitError(error, 'FINIT_UNKNOWN_SERVICE')) throw error;
      }
    }
    const events = this.#tracker.updateAll(await this.sources.list(options), marked);
    this.#listed = true;
    for (const event of events) this.#publish(event);
  }

  async #refreshRunlevel(signal: AbortSignal): Promise<void> {
    const { current, previous } = await this.sources.runlevel({ runDir: this.runDir, signal });
    if (this.#runlevel?.current === current) return;
    this.#runlevel = { type: 'runlevel', current, previous: this.#runlevel?.current ?? previous };
    for (const reader of this.#readers) if (reader.runlevel) reader.push(this.#runlevel);
  }

  #wanted(what: 'service' | 'runlevel'): boolean {
    return [...this.#readers].some((reader) => Boolean(reader[what]));
  }

  #publish(event: ServiceEvent): void {
    for (const reader of this.#readers) this.#offer(reader, event);
  }

  #offer(reader: HubReader, event: ServiceEvent): void {
    if (reader.service?.(event.identity, event.service.name)) reader.push(event);
  }

  #setUp(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    for (const reader of this.#readers)
      if (reader.finit) reader.push({ type: 'finit', state: up ? 'up' : 'down' });
  }

  #fail(error: unknown, which: (reader: HubReader) => boolean = () => true): void {
    for (const reader of [...this.#readers]) {
      if (!which(reader)) continue;
      this.#readers.delete(reader);
      reader.failed(error);
    }
  }
}
