/** How far a service has got on its way to what was ordered. No I/O. */
import type { Runlevel } from '../protocol/service.js';
import type { ServiceAction } from '../transport/index.js';
import type { Service } from './service.js';
import { how } from './words.js';

/** What can be waited for. */
export type WaitTarget = 'running' | 'ready' | 'stopped' | 'done';

/** How it is with the main process, beyond what finit knows. */
export interface ProcessLook {
  /** It runs its program: finit's child has become it, and it has not ended without finit's having noticed. */
  alive: boolean;
  /** For how long it has been seen so, in milliseconds. */
  seen: number;
}

/** What is known of one service, when the order has been accepted. */
export interface Sight {
  action: ServiceAction;
  target: WaitTarget;
  /** Before the order. */
  before: Service;
  /** Absent: finit has it no more. */
  now?: Service | undefined;
  /**
   * Whether it has said that it is ready, in this generation, and since the order if its process is the same as before; undefined for
   * one that does not tell.
   */
  ready?: boolean | undefined;
  process: ProcessLook;
  /** finit's runlevel. */
  runlevel: Runlevel;
}

/** There; or not there yet; or where it stays if nothing happens from outside: then, and for how long it may take, is the caller's. */
export type Progress = 'there' | 'underway' | { failed: string } | { stuck: string };

/**
 * So long a process must have been there before it is said to run, in milliseconds, unless it was there before or says itself that it is
 * ready. finit calls running what it has forked; most of what cannot start ends within this.
 */
export const STEADY = 100;

/** Where it is. */
export function progressOf(sight: Sight): Progress {
  const { target, now } = sight;
  if (now === undefined) return target === 'stopped' ? 'there' : { failed: 'finit has removed it' };
  if (target === 'stopped') return stoppingProgress(sight, now);
  switch (now.effectiveState) {
    case 'running':
      return runningProgress(sight, now);
    case 'done':
      return doneProgress(sight, now);
    case 'failed':
      if (ranAgain(sight.before, now)) return { failed: `it failed${how(now.exit)}` };
      return {
        stuck: `it had failed${how(now.exit)}, and finit does not run it again (only with manual:yes)`,
      };
    case 'crashed':
      return { failed: `it crashed${how(now.exit)}; finit has given up on it${counted(now)}` };
    case 'missing':
      return { failed: `its command ${now.command} or its environment file does not exist` };
    case 'halted':
      return { stuck: whyHalted(now, sight.runlevel) };
    case 'stopped':
      return { stuck: now.manual && isNew(now) ? 'it is started by hand only' : 'it has been stopped' };
    case 'conflict':
      return { stuck: `it conflicts with ${now.conflicts?.join(', ') || 'another service'}` };
    case 'waiting':
      return { stuck: whyWaiting(now) };
    default:
      return 'underway';
  }
}

function whyHalted({ runlevels, ifStatement }: Service, runlevel: Runlevel): string {
  if (!runlevels.includes(runlevel))
    return `it is for runlevels ${runlevels.join(', ')}, and finit is in ${runlevel}`;
  return ifStatement ? `its if:${ifStatement} does not hold` : 'it is halted';
}

function whyWaiting({ conditions }: Service): string {
  const off = conditions.filter(({ state }) => state !== 'on');
  return `it waits for ${off.map(({ name, state }) => `<${name}>, which is ${state}`).join(', and ')}`;
}

function runningProgress({ target, action, before, ready, process }: Sight, now: Service): Progress {
  if (target === 'done' || now.pid === undefined) return 'underway';
  const same = before.effectiveState === 'running' && before.pid === now.pid;
  // An old process is not running any more when finit has accepted a restart: this is one whose state has not got through.
  if (action === 'restart' && same) return 'underway';
  if (target === 'ready' && ready === false) return 'underway';
  // With notify:none, which some ways to finit do not tell, finit says at once that it is ready.
  if (target === 'ready' && ready === true && now.notify !== undefined) return 'there';
  if (action === 'start' && same) return 'there';
  return process.alive && process.seen >= STEADY ? 'there' : 'underway';
}

function doneProgress({ action, before, target }: Sight, now: Service): Progress {
  // finit runs it once: then it is done already when it is started.
  if (ranAgain(before, now) || (action === 'start' && !now.manual)) return 'there';
  return { stuck: `it has run, and finit does not run it again${target === 'done' ? '' : ' for that'}` };
}

function stoppingProgress({ before, action }: Sight, now: Service): Progress {
  const { pid, effectiveState } = now;
  if (action === 'stop' && effectiveState === 'running' && pid !== undefined && pid !== before.pid)
    return { failed: 'it has been started again meanwhile' };
  const passing = ['stopping', 'active', 'teardown', 'cleanup', 'setup', 'starting', 'restart'];
  if (pid !== undefined || passing.includes(effectiveState)) return 'underway';
  // Without a process: its command has vanished.
  if (effectiveState === 'running') return action === 'stop' ? 'there' : 'underway';
  return 'there';
}

/** What `wait: true` means. */
export function defaultTarget(action: ServiceAction, service: Service): WaitTarget {
  if (action === 'stop') return 'stopped';
  if (isRunTask(service)) return 'done';
  // `readiness pid` is finit 4's default, and many that have it make no PID file.
  return service.type === 'tty' || (service.notify === 'pid' && service.pidFile === '') ? 'running' : 'ready';
}

export const isRunTask = ({ type }: Service): boolean => type === 'run' || type === 'task';

/** In words, for messages: `running, and has not said that it is ready`. */
export function describeState({ now, target, action, before }: Omit<Sight, 'process' | 'runlevel'>): string {
  if (now === undefined) return 'removed';
  if (now.effectiveState === 'running' && target === 'ready') {
    const since = action === 'reload' && now.pid === before.pid ? ' since the reload' : '';
    return `running, and has not said that it is ready${since}`;
  }
  return `${now.effectiveState}${now.effectiveState === 'restart' ? how(now.exit) : ''}`;
}

function ranAgain(before: Service, now: Service): boolean {
  return now.restarts !== before.restarts || (now.starts ?? 0) !== (before.starts ?? 0) || isNew(before);
}

/** Has not run yet. */
function isNew({ effectiveState, exit }: Service): boolean {
  return exit === undefined && !['done', 'failed'].includes(effectiveState);
}

/** finit sets its count back when it gives up. */
function counted({ maxCrashes }: Service): string {
  if (maxCrashes === undefined || maxCrashes < 0) return '';
  return ` after ${maxCrashes} ${maxCrashes === 1 ? 'restart' : 'restarts'}`;
}
