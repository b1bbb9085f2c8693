import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { FinitError, isFinitError } from '../errors.js';
import type { EventsOptions, EventTypes, SystemEvent } from '../events/index.js';
import * as events from '../events/index.js';
import { boundApi, type On, type PluginContext } from './context.js';
import type { Plugin } from './define.js';
import { createLog, type Log, type LogSink } from './log.js';

/** In milliseconds. */
export interface Times {
  /** For loading a file, and again for its setup. */
  setup: number;
  /** For all clean-ups of a plugin. */
  stop: number;
  /** After so long, a handler that has not finished is complained about. */
  slowHandler: number;
}

export interface InstanceOptions {
  runDir: string;
  sink: LogSink;
  debug: boolean;
  times: Times;
  /** Called once, when it has failed or stopped and its clean-ups have run. */
  onEnd(): void;
}

/** Whose code is running: entered for loading, setup, handlers and clean-ups, and inherited by timers and promises they make. */
const running = new AsyncLocalStorage<PluginInstance>();

/** The plugin whose code, or whose timer or promise, is running. */
export function currentPlugin(): PluginInstance | undefined {
  return running.getStore();
}

/** One plugin's life in a host. */
export class PluginInstance {
  #state: 'starting' | 'running' | 'failed' | 'stopped' = 'starting';
  #error: unknown;
  #log: Log;
  #name: string;
  #lateErrors = 0;
  #turn: Promise<void> = Promise.resolve();
  readonly #cleanUps: (() => unknown)[] = [];
  readonly #lifetime = new AbortController();
  readonly #options: InstanceOptions;
  #ended: Promise<void> | undefined;

  /** @param name for the log, until the plugin's own is known */
  constructor(name: string, options: InstanceOptions) {
    this.#name = name;
    this.#options = options;
    this.#log = createLog(name, options.sink, options.debug);
    // One listener per subscription and per call under way: many are no leak.
    setMaxListeners(0, this.#lifetime.signal);
  }

  get name(): string {
    return this.#name;
  }

  get state(): 'starting' | 'running' | 'failed' | 'stopped' {
    return this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  get alive(): boolean {
    return this.#state === 'starting' || this.#state === 'running';
  }

  /** Gets the plugin and runs its setup. Never rejects: what goes wrong is logged and ends the plugin. */
  async start(load: () => Promise<Plugin>, accept: (plugin: Plugin) => void = () => {}): Promise<void> {
    const plugin = await this.#bounded('loading', () => running.run(this, load));
    if (plugin === undefined) return;
    try {
      accept(plugin);
    } catch (error) {
      this.fail('it cannot run here', error);
      return;
    }
    this.#name = plugin.name;
    this.#log = createLog(plugin.name, this.#options.sink, this.#options.debug);
    const context = this.#context();
    const done = await this.#bounded('setup', async () => {
      await running.run(this, () => plugin.setup(context));
      return true;
    });
    if (done && this.#state === 'starting') this.#state = 'running';
  }

  /** Undefined: it did not get there, and the plugin has ended. */
  async #bounded<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#lifetime;
    const { setup } = this.#options.times;
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    try {
      const result = await Promise.race([
        act(),
        new Promise<undefined>((resolve, reject) => {
          stop = () => resolve(undefined);
          signal.addEventListener('abort', stop, { once: true });
          timer = setTimeout(() => {
            const message = `${what} has not finished after ${setup} ms. Do not wait there for what may never come: use on()`;
            reject(new FinitError('FINIT_PLUGIN', message, { subject: this.#name }));
          }, setup);
        }),
      ]);
      return this.alive ? result : undefined;
    } catch (error) {
      this.fail(`${what} failed`, error);
      return undefined;
    } finally {
      clearTimeout(timer);
      if (stop) signal.removeEventListener('abort', stop);
    }
  }

  /** Logs an error and ends the plugin. After its end: logs the first one that it leaves behind. */
  fail(what: string, error: unknown): void {
    if (!this.alive) {
      this.#lateError(error);
      return;
    }
    this.#state = 'failed';
    this.#error = error;
    this.#log.error(`${what}, the plugin has ended:`, printable(error));
    this.#end();
  }

  /** Ends the plugin in good order; resolves when its clean-ups have run, or their time is over. */
  async stop(): Promise<void> {
    if (this.alive) {
      this.#state = 'stopped';
      this.#end();
    }
    await this.#ended;
  }

  #lateError(error: unknown): void {
    if (isFinitError(error, 'FINIT_ABORTED')) return;
    this.#lateErrors++;
    if (this.#lateErrors > 1) return;
    this.#log.error('after its end (more of these are not logged):', printable(error));
  }

  #end(): void {
    // Its abort listeners are its own code: what they throw is its own fault.
    running.run(this, () =>
      this.#lifetime.abort(new FinitError('FINIT_ABORTED', `plugin ${this.#name} has ended`)),
    );
    this.#ended = this.#cleanUp().then(this.#options.onEnd);
  }

  async #cleanUp(): Promise<void> {
    const all = async (): Promise<'done'> => {
      for (let next = this.#cleanUps.pop(); next; next = this.#cleanUps.pop()) {
        const cleanUp = next;
        try {
          await running.run(this, cleanUp);
        } catch (error) {
          this.#log.error('a clean-up failed:', printable(error));
        }
      }
      return 'done';
    };
    let timer: NodeJS.Timeout | undefined;
    const { stop } = this.#options.times;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stop);
    });
    if ((await Promise.race([all(), late])) !== 'done')
      this.#log.warn(`its clean-ups have not finished after ${stop} ms, it is left behind`);
    clearTimeout(timer);
  }

  #context(): PluginContext {
    const { signal } = this.#lifetime;
    const { runDir } = this.#options;
    return {
      name: this.#name,
      runDir,
      signal,
      log: this.#log,
      on: this.#on,
      onStop: (cleanUp) => {
        if (typeof cleanUp !== 'function') throw invalid('onStop(cleanUp): expected a function');
        this.#cleanUps.push(cleanUp);
      },
      ...boundApi(runDir, signal),
    };
  }

  readonly #on: On = (type: keyof EventTypes, ...rest: unknown[]): (() => void) => {
    const filtered = type === 'condition' || type === 'service';
    const handler = rest[filtered ? 1 : 0] as (event: SystemEvent) => unknown;
    if (!(type in WANTED))
      throw invalid(`on(${JSON.stringify(type)}): no such event; ${Object.keys(WANTED).join(', ')} are`);
    if (typeof handler !== 'function')
      throw invalid(`on('${type}', ${filtered ? 'pattern, ' : ''}handler): the handler is missing`);
    const subscription = new AbortController();
    const options: EventsOptions = {
      ...WANTED[type](rest[0] as string | string[]),
      runDir: this.#options.runDir,
      signal: AbortSignal.any([this.#lifetime.signal, subscription.signal]),
    };
    // Not as the plugin: the machinery is shared, and its faults are not the plugin's.
    const stream = running.exit(() => events.watch(options));
    running.exit(() => this.#pump(type, stream, handler));
    return () => subscription.abort();
  };

  async #pump(
    type: string,
    stream: AsyncIterable<SystemEvent>,
    handler: (event: SystemEvent) => unknown,
  ): Promise<void> {
    try {
      for await (const event of stream) await this.#handle(event, handler);
    } catch (error) {
      this.fail(`no more ${type} events`, error);
    }
  }

  /** In turn with the plugin's other handlers. */
  async #handle(event: SystemEvent, handler: (event: SystemEvent) => unknown): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!this.alive) return;
      const { slowHandler } = this.#options.times;
      const slow = setTimeout(
        () =>
          this.#log.warn(
            `its handler of ${title(event)} has not finished for ${slowHandler} ms; its other events wait`,
          ),
        slowHandler,
      );
      try {
        await running.run(this, () => handler(event));
      } catch (error) {
        if (this.alive) this.#log.error(`its handler of ${title(event)} failed:`, printable(error));
        else this.#lateError(error);
      } finally {
        clearTimeout(slow);
      }
    });
    this.#turn = turn;
    await turn;
  }
}

const WANTED: { [T in keyof EventTypes]: (pattern: string | string[]) => EventsOptions } = {
  condition: (conditions) => ({ conditions }),
  service: (services) => ({ services }),
  reload: () => ({ reload: true }),
  runlevel: () => ({ runlevel: true }),
  finit: () => ({ finit: true }),
};

function title(event: SystemEvent): string {
  if (event.type === 'condition') return `condition ${event.name} (${event.state})`;
  if (event.type === 'service') return `service ${event.identity} (${event.state})`;
  return event.type;
}

/** Errors with their stack and cause; what is no error is said to be none. */
function printable(error: unknown): unknown {
  return error instanceof Error
    ? error
    : new Error(`no Error but ${String(error)} was thrown`, { cause: error });
}

function invalid(message: string): FinitError {
  return new FinitError('FINIT_INVALID_ARGUMENT', message);
}
