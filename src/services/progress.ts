/** How far a service has got on its way to what was ordered. No I/O. */
import type { ProcessExit } from '../protocol/service.js';
import type { ServiceAction } from '../transport/index.js';
import type { Service } from './service.js';

/** What can be waited for. */
export type WaitTarget = 'running' | 'ready' | 'stopped' | 'done';

/** What is known of one service. */
export interface Sight {
  action: ServiceAction;
  target: WaitTarget;
  /** Before the order. */
  before: Service;
  /** Absent: finit has it no more. */
  now?: Service | undefined;
  /** Whether its condition `service/<identity>/ready`, or `pid/<identity>`, is on. */
  announced: boolean;
  /** finit's runlevel. */
  runlevel: string | number;
}

/** There; or not there yet; or where it stays if nothing happens from outside: then, and for how long it may take, is the caller's. */
export type Progress = 'there' | 'underway' | { failed: string } | { stuck: string };

/** Where it is. */
export function progressOf(sight: Sight): Progress {
  const { target, now, action, before } = sight;
  if (now === undefined) return target === 'stopped' ? 'there' : { failed: 'finit has removed it' };
  if (target === 'stopped') return hasStopped(now) ? 'there' : 'underway';
  switch (now.effectiveState) {
    case 'running':
      return runningProgress(sight, now);
    case 'done':
      // finit runs it once: then it is done already when it is started.
      if (ranAgain(before, now) || (action === 'start' && !now.manual)) return 'there';
      return { stuck: 'it has run, and finit does not run it again' };
    case 'failed':
      if (ranAgain(before, now)) return { failed: `it failed${how(now.exit)}` };
      return {
        stuck: `it had failed${how(now.exit)}, and finit does not run it again (only with manual:yes)`,
      };
    case 'crashed':
      return { failed: `it crashed${how(now.exit)}; finit has given up after ${counted(now)}` };
    case 'missing':
      return { failed: `its command ${now.command} or its environment file does not exist` };
    case 'halted':
      return {
        stuck: now.runlevels.includes(sight.runlevel as never)
          ? 'it is halted'
          : `it is for runlevels ${now.runlevels.join(', ')}, and finit is in ${sight.runlevel}`,
      };
    case 'stopped':
      return {
        stuck:
          now.manual && action !== 'start' ? 'it starts when it is asked to only' : 'it has been stopped',
      };
    case 'conflict':
      return { stuck: `it conflicts with ${now.conflicts?.join(', ') || 'another service'}` };
    case 'waiting': {
      const off = now.conditions.filter(({ state }) => state !== 'on');
      return {
        stuck: `it waits for ${off.map(({ name, state }) => `<${name}>, which is ${state}`).join(', and ')}`,
      };
    }
    default:
      return 'underway';
  }
}

function runningProgress({ target, action, before, announced }: Sight, now: Service): Progress {
  if (target === 'done') return 'underway';
  if (now.pid === undefined) return 'underway';
  if (action === 'restart' && before.pid === now.pid) return 'underway';
  if (target === 'running') return 'there';
  // A run or task, a tty, or one that does not tell: to run is all that it can do. Up to 4.3 finit has no readiness.
  const tells = now.type === 'service' && now.notify !== 'none';
  return !tells || announced ? 'there' : 'underway';
}

/** What `wait: true` means. */
export function defaultTarget(action: ServiceAction, service: Service): WaitTarget {
  if (action === 'stop') return 'stopped';
  return service.type === 'run' || service.type === 'task' || service.type === 'sysv' ? 'done' : 'ready';
}

/** In words, for messages: `running, waits to be ready`. */
export function describeState({ now, target }: Pick<Sight, 'now' | 'target'>): string {
  if (now === undefined) return 'removed';
  if (now.effectiveState === 'running' && target === 'ready')
    return 'running, and has not said that it is ready';
  return `${now.effectiveState}${now.effectiveState === 'restart' ? how(now.exit) : ''}`;
}

function hasStopped({ pid, effectiveState }: Service): boolean {
  return (
    pid === undefined &&
    !['stopping', 'active', 'teardown', 'cleanup', 'setup', 'starting', 'restart', 'running'].includes(
      effectiveState,
    )
  );
}

function ranAgain(before: Service, now: Service): boolean {
  return now.restarts !== before.restarts || (now.starts ?? 0) !== (before.starts ?? 0) || isNew(before);
}

/** Has not run yet. */
function isNew({ effectiveState, exit }: Service): boolean {
  return exit === undefined && !['done', 'failed'].includes(effectiveState);
}

function how(exit: ProcessExit | undefined): string {
  if (exit === undefined) return '';
  return 'code' in exit ? ` with status ${exit.code}` : `, killed by ${exit.signal}`;
}

function counted({ crashes, restarts }: Service): string {
  const times = crashes || restarts;
  return `${times} ${times === 1 ? 'attempt' : 'attempts'}`;
}
