/** From service records to events: what is different from the last time, and whether a process ended unasked. No I/O. */
import type { ProcessExit, Service, ServiceState } from '../services/index.js';
import type { Crash, ServiceEvent } from './types.js';

/**
 * States that pass by without any condition telling that they have: to be looked at again soon. From `restart` to `crashed` too:
 * finit asserts conditions when the state machine moves, and that is a change of the reason only (service_retry() in
 * src/service.c, seen on 4.14).
 */
const PASSING: ReadonlySet<ServiceState> = new Set([
  'restart',
  'busy',
  'cleanup',
  'teardown',
  'stopping',
  'active',
  'setup',
  'paused',
  'starting',
  'dead',
]);

/** Keeps the last record of every service. */
export class ServiceTracker {
  readonly #known = new Map<string, Service>();

  /** The last records. */
  get services(): IterableIterator<Service> {
    return this.#known.values();
  }

  has(identity: string): boolean {
    return this.#known.has(identity);
  }

  /** Identities of services that are on their way from one state to another. */
  get passing(): string[] {
    return [...this.#known.values()]
      .filter(({ effectiveState }) => PASSING.has(effectiveState))
      .map(({ identity }) => identity);
  }

  /**
   * Takes one record.
   * @param marked finit was seen to assert `service/<identity>/restart` or `…/crashed`, which it does for unasked ends only
   */
  update(service: Service, marked = false): ServiceEvent | undefined {
    const before = this.#known.get(service.identity);
    this.#known.set(service.identity, service);
    if (before === undefined) return serviceEvent(service, undefined);
    const crash = crashBetween(before, service, marked);
    const same = before.effectiveState === service.effectiveState && before.pid === service.pid;
    return same && crash === undefined ? undefined : serviceEvent(service, before.effectiveState, crash);
  }

  /** Takes all records there are: those that are missing have been removed. */
  updateAll(services: readonly Service[], marked: ReadonlySet<string> = new Set()): ServiceEvent[] {
    const events: ServiceEvent[] = [];
    const present = new Set(services.map(({ identity }) => identity));
    for (const service of [...this.#known.values()]) {
      if (present.has(service.identity)) continue;
      this.#known.delete(service.identity);
      events.push({ ...serviceEvent(service, service.effectiveState), state: 'removed' });
    }
    for (const service of services) {
      const event = this.update(service, marked.has(service.identity));
      if (event) events.push(event);
    }
    return events;
  }
}

/** The event that tells of a record. */
export function serviceEvent(
  service: Service,
  previous: ServiceEvent['previous'],
  crash?: Crash,
): ServiceEvent {
  const { identity, effectiveState: state } = service;
  return { type: 'service', identity, state, previous, service, ...(crash && { crash }) };
}

/**
 * Whether a service crashed between two records.
 *
 * finit has no field for it. `restart` and `crashed` are states for unasked ends only. A service that has been started again
 * shows it by its count of crashes; but that count goes down with time, and ttys and `respawn` services have none, so how the
 * process ended is looked at too: what ends after finit's SIGTERM was asked to. `restarts` alone proves nothing: after the first
 * crash it counts every start (service_start() in src/service.c, 4.12, 4.14).
 */
function crashBetween(before: Service, now: Service, marked: boolean): Crash | undefined {
  if (now.type === 'run' || now.type === 'task') return undefined;
  const down = now.effectiveState === 'restart' || now.effectiveState === 'crashed';
  const ended = before.pid !== undefined && before.pid !== now.pid;
  const startedAgain = now.restarts > before.restarts;
  if (down) {
    const news = ended || startedAgain || before.effectiveState !== now.effectiveState;
    return news ? describe(now) : undefined;
  }
  if (!ended) return undefined;
  const unasked =
    marked ||
    (now.crashes ?? 0) > (before.crashes ?? 0) ||
    (now.pid !== undefined && startedAgain && !asked(now.exit));
  return unasked ? describe(now) : undefined;
}

/** An end such as a service has that was told to stop: 143 is what a shell makes of SIGTERM. */
function asked(exit: ProcessExit | undefined): boolean {
  if (exit === undefined) return true;
  return 'code' in exit ? exit.code === 0 || exit.code === 143 : exit.signal === 'SIGTERM';
}

function describe({ exit, restarts, effectiveState }: Service): Crash {
  const gaveUp = effectiveState === 'crashed';
  const how =
    exit === undefined
      ? 'ended'
      : 'code' in exit
        ? `exited with code ${exit.code}`
        : `killed by ${exit.signal}`;
  const then = gaveUp
    ? 'finit has given up on it'
    : effectiveState === 'restart'
      ? `finit waits before restart ${restarts + 1}`
      : `restart ${restarts}`;
  return { ...(exit && { exit }), restarts, gaveUp, reason: `${how}, ${then}` };
}
