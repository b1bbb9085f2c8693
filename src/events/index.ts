/**
 * What happens on a machine with finit, as one typed stream: conditions, services, reloads, runlevels, finit itself.
 *
 * State is truth and events are hints: a stream begins with what is there, goes on with each difference, and after any doubt
 * (finit gone and back, a flood) the state is read again and the difference told.
 */
import { FinitError } from '../errors.js';
import { Queue } from '../queue.js';
import { resolveRunDir } from '../run-dir.js';
import { followConditions } from './conditions.js';
import { foldToFit, QUEUE_LIMIT } from './fold.js';
import { Hub } from './hub.js';
import { compileServicePattern } from './service-pattern.js';
import { finitSources, type Sources } from './sources.js';
import type { EventsOptions, SystemEvent } from './types.js';

export type {
  ConditionEvent,
  Crash,
  EventsOptions,
  EventTypes,
  FinitEvent,
  ReloadEvent,
  RunlevelEvent,
  ServiceEvent,
  SystemEvent,
} from './types.js';

const hubs = new Map<string, Hub>();

/**
 * Follows what happens. First what is there (each condition, service, the runlevel, finit, with `previous: undefined`), then
 * what changes. All streams of a process share one view of finit, which asks it only about what has moved.
 *
 * The stream begins at the call and keeps the process alive until it is ended by `break`, `return()`, `signal`, or an error. It
 * survives finit's going away: conditions go off, `{ type: 'finit', state: 'down' }` is told, and it waits for finit to come
 * back. A reader that is thousands of events behind gets the last one of each condition and service.
 * @throws {FinitError} at the call: `FINIT_INVALID_CONDITION`, `FINIT_INVALID_ARGUMENT`; from the iteration:
 *   `FINIT_NOT_RUNNING` when there is no finit at the beginning, `FINIT_ACCESS_DENIED`, `FINIT_UNKNOWN_RECORD`,
 *   `FINIT_SYSTEM`
 */
export function watch(options: EventsOptions = {}): AsyncIterableIterator<SystemEvent> {
  return watchFrom(finitSources, hubs, options);
}

/** {@link watch} over other sources, for tests. */
export function watchFrom(
  sources: Sources,
  shared: Map<string, Hub>,
  options: EventsOptions = {},
): AsyncIterableIterator<SystemEvent> {
  const { signal } = options;
  const runDir = resolveRunDir(options);
  const { conditions, services, reload, runlevel, finit } = withDefaults(options);
  const isWanted = services === undefined ? undefined : compileServicePattern(services);

  const ends: (() => void)[] = [];
  const channel = new Queue<SystemEvent>({
    limit: QUEUE_LIMIT,
    fold: foldToFit,
    onEnd: () => {
      for (const end of ends.splice(0)) end();
    },
  });
  if (signal?.aborted) {
    channel.end();
    return channel;
  }
  const push = (event: SystemEvent): void => channel.push(event);
  const failed = (error: unknown): void => channel.end(error);
  if (signal) {
    const onAbort = (): void => void channel.return();
    signal.addEventListener('abort', onAbort, { once: true });
    ends.push(() => signal.removeEventListener('abort', onAbort));
  }
  if (conditions !== undefined) ends.push(followConditions(sources, conditions, runDir, push, failed));
  if (channel.ended) return channel;
  if (isWanted || reload || runlevel || finit) {
    const hub = acquire(runDir, sources, shared);
    const leave = hub.subscribe({ service: isWanted, reload, runlevel, finit, push, failed });
    ends.push(() => {
      leave();
      if (!hub.idle) return;
      hub.close();
      if (shared.get(runDir) === hub) shared.delete(runDir);
    });
  }
  return channel;
}

function acquire(runDir: string, sources: Sources, shared: Map<string, Hub>): Hub {
  const known = shared.get(runDir);
  if (known && !known.closed) return known;
  const hub = new Hub(runDir, sources);
  shared.set(runDir, hub);
  return hub;
}

function withDefaults(options: EventsOptions): {
  conditions: string | readonly string[] | undefined;
  services: string | readonly string[] | undefined;
  reload: boolean;
  runlevel: boolean;
  finit: boolean;
} {
  const { conditions, services, reload, runlevel, finit } = options;
  for (const [name, value] of Object.entries({ reload, runlevel, finit }))
    if (value !== undefined && typeof value !== 'boolean')
      throw new FinitError('FINIT_INVALID_ARGUMENT', `${name}: true or false, not ${String(value)}`);
  const everything = [conditions, services, reload, runlevel, finit].every((value) => value === undefined);
  if (everything) return { conditions: '**', services: '*', reload: true, runlevel: true, finit: true };
  return {
    conditions,
    services,
    reload: reload ?? false,
    runlevel: runlevel ?? false,
    finit: finit ?? false,
  };
}
