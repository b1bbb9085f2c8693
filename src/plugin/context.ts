import * as conditions from '../conditions/index.js';
import type {
  ConditionEvent,
  EventsOptions,
  EventTypes,
  ServiceEvent,
  SystemEvent,
} from '../events/index.js';
import * as events from '../events/index.js';
import * as services from '../services/index.js';
import * as system from '../system/index.js';
import type { Log } from './log.js';

type Names = string | readonly string[];

/** For calls that wait. The plugin's end aborts them as well. */
export interface CallOptions {
  /** In milliseconds. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** `node-finit/conditions`, for the host's finit and as long as the plugin lives. */
export interface PluginConditions {
  get(name: string): ReturnType<typeof conditions.get>;
  list(pattern?: Names): ReturnType<typeof conditions.list>;
  set(names: Names): Promise<void>;
  clear(names: Names): Promise<void>;
  wait(names: Names, options?: CallOptions & { state?: conditions.ConditionState }): Promise<void>;
  watch(pattern: Names, options?: { signal?: AbortSignal }): ReturnType<typeof conditions.watch>;
}

/** `node-finit/services`, likewise. */
export interface PluginServices {
  list(options?: CallOptions): ReturnType<typeof services.list>;
  get(name: string, options?: CallOptions): ReturnType<typeof services.get>;
  findByCondition(condition: string, options?: CallOptions): ReturnType<typeof services.findByCondition>;
  dependents(condition: string, options?: CallOptions): ReturnType<typeof services.dependents>;
  findByPid(pid: number, options?: CallOptions): ReturnType<typeof services.findByPid>;
  /** The service that the host runs as. */
  self(options?: CallOptions): ReturnType<typeof services.self>;
  start(names: Names, options?: ActOptions): ReturnType<typeof services.start>;
  stop(names: Names, options?: ActOptions): ReturnType<typeof services.stop>;
  restart(names: Names, options?: ActOptions): ReturnType<typeof services.restart>;
  reload(names: Names, options?: ActOptions): ReturnType<typeof services.reload>;
  signal(
    names: Names,
    signal: NodeJS.Signals | number,
    options?: CallOptions,
  ): ReturnType<typeof services.signal>;
  explain(name: string, options?: CallOptions): ReturnType<typeof services.explain>;
}

/** For orders to services, which can be waited for. */
type ActOptions = CallOptions & Pick<services.ActOptions, 'wait'>;

/** `node-finit/system`, likewise. */
export interface PluginSystem {
  runlevel(options?: CallOptions): ReturnType<typeof system.runlevel>;
  setRunlevel(
    level: Parameters<typeof system.setRunlevel>[0],
    options?: CallOptions,
  ): ReturnType<typeof system.setRunlevel>;
  reload(options?: CallOptions): ReturnType<typeof system.reload>;
  poweroff(options?: CallOptions): ReturnType<typeof system.poweroff>;
}

/** What a handler may give back; a promise is awaited before the plugin's next event. */
type Handled = unknown;

/**
 * Subscribes to events. The handlers of one plugin run one at a time, each subscription's events in their order; while one runs,
 * events wait, some thousands of them, then only the last one of each condition and service. What a handler throws is logged,
 * and the plugin goes on. Gives back a function that ends the subscription.
 */
export interface On {
  /** Conditions that match, `*` within a segment and `**` over segments: first those there are, then each change. */
  (type: 'condition', pattern: Names, handler: (event: ConditionEvent) => Handled): () => void;
  /** Services by name or identity, `*` for any text: first those there are, then each change. */
  (type: 'service', names: Names, handler: (event: ServiceEvent) => Handled): () => void;
  <T extends 'reload' | 'runlevel' | 'finit'>(
    type: T,
    handler: (event: EventTypes[T]) => Handled,
  ): () => void;
}

/** What a plugin gets. Its functions need no `this`: take them apart as you like. */
export interface PluginContext {
  /** The plugin's own name. */
  name: string;
  /** The run directory of the host's finit. */
  runDir: string;
  /** Fires when the plugin ends: the host stops, or the plugin failed. */
  signal: AbortSignal;
  log: Log;
  on: On;
  /** Everything as one stream, for a `for await`; ends with the plugin. */
  events(options?: Omit<EventsOptions, 'runDir'>): AsyncIterableIterator<SystemEvent>;
  conditions: PluginConditions;
  services: PluginServices;
  system: PluginSystem;
  /** Adds a clean-up. At the plugin's end they run last one first, and all together have five seconds. */
  onStop(cleanUp: () => unknown): void;
}

/** The parts of a context that only pass on to this package, bound to a run directory and a lifetime. */
export function boundApi(
  runDir: string,
  lifetime: AbortSignal,
): Pick<PluginContext, 'events' | 'conditions' | 'services' | 'system'> {
  const bind = <T extends { signal?: AbortSignal | undefined }>(options?: T) => ({
    ...options,
    runDir,
    signal: options?.signal ? AbortSignal.any([lifetime, options.signal]) : lifetime,
  });
  return {
    events: (options) => events.watch(bind(options)),
    conditions: {
      get: (name) => conditions.get(name, { runDir }),
      list: (pattern) => conditions.list(pattern, { runDir }),
      set: (names) => conditions.set(names, { runDir }),
      clear: (names) => conditions.clear(names, { runDir }),
      wait: (names, options) => conditions.wait(names, bind(options)),
      watch: (pattern, options) => conditions.watch(pattern, bind(options)),
    },
    services: {
      list: (options) => services.list(bind(options)),
      get: (name, options) => services.get(name, bind(options)),
      findByCondition: (condition, options) => services.findByCondition(condition, bind(options)),
      dependents: (condition, options) => services.dependents(condition, bind(options)),
      findByPid: (pid, options) => services.findByPid(pid, bind(options)),
      self: (options) => services.self(bind(options)),
      start: (names, options) => services.start(names, bind(options)),
      stop: (names, options) => services.stop(names, bind(options)),
      restart: (names, options) => services.restart(names, bind(options)),
      reload: (names, options) => services.reload(names, bind(options)),
      signal: (names, signal, options) => services.signal(names, signal, bind(options)),
      explain: (name, options) => services.explain(name, bind(options)),
    },
    system: {
      runlevel: (options) => system.runlevel(bind(options)),
      setRunlevel: (level, options) => system.setRunlevel(level, bind(options)),
      reload: (options) => system.reload(bind(options)),
      poweroff: (options) => system.poweroff(bind(options)),
    },
  };
}
