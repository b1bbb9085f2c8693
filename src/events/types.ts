import type { ConditionState } from '../conditions/index.js';
import type { FinitOptions } from '../run-dir.js';
import type { ProcessExit, Service, ServiceState } from '../services/index.js';
import type { Runlevel } from '../system/index.js';

/** A condition went on, off, or into flux. */
export interface ConditionEvent {
  type: 'condition';
  /** Full name, e.g. `service/web/ready`. */
  name: string;
  state: ConditionState;
  /** The state before; `undefined` for what was found at the beginning. */
  previous: ConditionState | undefined;
  /** finit's generation when this was seen; `undefined`: none. */
  generation: number | undefined;
}

/** That a service's process ended although nobody had asked it to. */
export interface Crash {
  /** How the process ended; absent when finit does not say. */
  exit?: ProcessExit;
  /** How often finit has started the service again, ever. */
  restarts: number;
  /** finit has given up on it, it stays down. */
  gaveUp: boolean;
  /** The above for a log: `killed by SIGKILL, restart 1`. */
  reason: string;
}

/** A service got into another state, or got another process. Transitions of a few milliseconds coalesce into one event. */
export interface ServiceEvent {
  type: 'service';
  /** `name` or `name:id`. */
  identity: string;
  /** Its `effectiveState`; `'removed'` when finit does not know it any more. */
  state: ServiceState | 'removed';
  /** The state in the event before; `undefined` in a service's first. Equal to {@link state} when only the process is another. */
  previous: ServiceState | 'removed' | undefined;
  /** Everything finit knows about it; the last known for one that has been removed. */
  service: Service;
  /**
   * Its process ended unexpectedly since the event before. `state` says where it is now: a service that finit started again at
   * once is `'running'`, with another pid.
   */
  crash?: Crash;
}

/** finit has begun a new generation: its configuration was reloaded. */
export interface ReloadEvent {
  type: 'reload';
  generation: number;
}

/** The runlevel is another. The first event says which it is. */
export interface RunlevelEvent {
  type: 'runlevel';
  current: Runlevel;
  previous: Runlevel | undefined;
}

/** finit is there and has finished booting (`'up'`), or is booting, shutting down, or gone (`'down'`). */
export interface FinitEvent {
  type: 'finit';
  state: 'up' | 'down';
}

/** Whatever happens, told apart by `type`. */
export type SystemEvent = ConditionEvent | ServiceEvent | ReloadEvent | RunlevelEvent | FinitEvent;

/** Which event belongs to which `type`. */
export interface EventTypes {
  condition: ConditionEvent;
  service: ServiceEvent;
  reload: ReloadEvent;
  runlevel: RunlevelEvent;
  finit: FinitEvent;
}

/** What is wanted. With none of `conditions` … `finit` given: everything. */
export interface EventsOptions extends FinitOptions {
  /** Patterns of condition names, as `conditions.watch()` takes them. */
  conditions?: string | readonly string[] | undefined;
  /** Services by identity or name, `*` for any text: `'web'`, `'getty:*'`. A name alone means all its instances. */
  services?: string | readonly string[] | undefined;
  reload?: boolean | undefined;
  runlevel?: boolean | undefined;
  finit?: boolean | undefined;
  /** Ends the stream, quietly. */
  signal?: AbortSignal | undefined;
}
