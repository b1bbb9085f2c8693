/** Waiting until services have got where an order sends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from '../conditions/index.js';
import { FinitError, isFinitError } from '../errors.js';
import { type CallOptions, connect, type Deadline, type ServiceAction } from '../transport/index.js';
import { asserts, list } from './find.js';
import {
  defaultTarget,
  describeState,
  type Progress,
  progressOf,
  type Sight,
  type WaitTarget,
} from './progress.js';
import type { Service } from './service.js';

export type { WaitTarget } from './progress.js';

/** For how long nothing must have happened before what is stuck is taken to stay there, in milliseconds. */
const SETTLED = 1000;
/** For the look that tells where it was when the time was over, in milliseconds. */
const LAST_LOOK = 500;
/** From a change to looking at it, in milliseconds. */
const COALESCE = 3;
/** The longest time between two looks, in milliseconds: not every change of state touches a condition. */
const LONGEST_LOOK = 200;

/** A wait that has begun before the order was given. */
export interface PreparedWait extends AsyncDisposable {
  /**
   * Fulfilled when all are there.
   * @throws {FinitError} `FINIT_SERVICE_FAILED`, `FINIT_TIMEOUT`, `FINIT_ABORTED`, or what finit's going away is
   */
  done(deadline: Deadline): Promise<void>;
}

/**
 * Begins to watch.
 * @param names - known to finit
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`, or as `list`
 */
export async function prepareWait(
  action: ServiceAction,
  names: readonly string[],
  wait: WaitTarget | true,
  options: CallOptions,
): Promise<PreparedWait> {
  if (wait !== true && !['running', 'ready', 'stopped', 'done'].includes(wait))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `wait is true, 'running', 'ready', 'stopped' or 'done', not ${JSON.stringify(wait)}`,
    );
  const bell = new Bell(options);
  try {
    const befores = (await list(options)).filter((service) => names.some((name) => isMeant(service, name)));
    const targets = new Map(
      befores.map((before) => [
        before.identity,
        { action, before, target: wait === true ? defaultTarget(action, before) : wait },
      ]),
    );
    return {
      done: (deadline) => untilAll(targets, bell, deadline, options),
      [Symbol.asyncDispose]: () => bell.close(),
    };
  } catch (error) {
    await bell.close();
    throw error;
  }
}

type Target = Pick<Sight, 'action' | 'before' | 'target'>;

async function untilAll(
  targets: Map<string, Target>,
  bell: Bell,
  deadline: Deadline,
  options: CallOptions,
): Promise<void> {
  const open = new Map(targets);
  let seen = '';
  let since = performance.now();
  for (let look = 20; ; look = Math.min(look * 1.5, LONGEST_LOOK)) {
    const patient = { ...options, timeout: Math.max(deadline.left, LAST_LOOK) };
    const services = await list(patient).catch((error) => {
      // Another client keeps listing: there is time to ask again.
      if (isFinitError(error, 'FINIT_BUSY') && deadline.left > 0) return undefined;
      throw error;
    });
    if (services !== undefined) {
      const { current } = await connect(options).runlevel(patient);
      const sights = [...open.values()].map((target) => see(target, services, bell, current));
      const reports = sights.map((sight) => ({ sight, progress: progressOf(sight) }));
      for (const { sight, progress } of reports) {
        if (progress === 'there') open.delete(sight.before.identity);
        if (typeof progress === 'object' && 'failed' in progress) throw failure(sight, progress.failed);
      }
      if (open.size === 0) return;
      // What others are on their way to may be what it is stuck for.
      const now = describeAll(services, bell);
      if (now !== seen) since = performance.now();
      seen = now;
      const stuck = reports.find(({ progress }) => isStuck(progress));
      if (stuck && performance.now() - since > SETTLED && !mayComeYet(stuck.sight, services))
        throw failure(stuck.sight, (stuck.progress as { stuck: string }).stuck);
      if (deadline.left === 0)
        throw timedOut(
          reports.map(({ sight }) => sight).filter((sight) => open.has(sight.before.identity)),
          deadline,
        );
    } else if (deadline.left === 0) throw timedOut([], deadline);
    await bell.wait(Math.min(look, deadline.left));
    // finit makes several changes at once.
    await sleep(COALESCE);
    if (options.signal?.aborted)
      throw new FinitError('FINIT_ABORTED', `Waiting for ${[...open.keys()].join(', ')} was aborted`, {
        cause: options.signal.reason,
        subject: [...open.keys()].join(' '),
      });
  }
}

function see(target: Target, services: readonly Service[], bell: Bell, runlevel: Sight['runlevel']): Sight {
  const { identity } = target.before;
  const now = services.find((service) => service.identity === identity);
  const announced =
    bell.isOn(`service/${identity}/ready`) || (now?.notify === 'pid' && bell.isOn(`pid/${identity}`));
  return { ...target, now, announced, runlevel };
}

/** All that could be progress. */
function describeAll(services: readonly Service[], bell: Bell): string {
  const states = services.map(
    ({ identity, effectiveState, pid = 0 }) => `${identity} ${effectiveState} ${pid}`,
  );
  return `${states.join(',')} ${bell.count}`;
}

/** It waits for a condition whose owner is still on its way. */
function mayComeYet({ now }: Sight, services: readonly Service[], depth = 0): boolean {
  if (now?.effectiveState !== 'waiting' || depth > 20) return false;
  const off = now.conditions.filter(({ state }) => state !== 'on');
  return off.every(({ name }) => {
    const owner = services.find((service) => asserts(service, name));
    if (owner === undefined || owner.identity === now.identity) return false;
    if (
      ['starting', 'running', 'restart', 'setup', 'paused', 'busy', 'stopping'].includes(owner.effectiveState)
    )
      return true;
    return mayComeYet({ now: owner } as Sight, services, depth + 1);
  });
}

function isStuck(progress: Progress): boolean {
  return typeof progress === 'object' && 'stuck' in progress;
}

/** finit's names for services: `name:id`, `name` for all of that name, a job number. */
function isMeant({ identity, name, job, id }: Service, wanted: string): boolean {
  if (wanted === identity || wanted === name) return true;
  const [first, second] = wanted.split(':');
  return job !== undefined && first === String(job) && (second === undefined || second === id);
}

function failure({ before, action, target, now }: Sight, reason: string): FinitError {
  return new FinitError(
    'FINIT_SERVICE_FAILED',
    `${before.identity} does not get to be ${target} after ${action}: ${reason}. More: node-finit why ${before.identity}`,
    { subject: before.identity, ...(now && { lastState: now.effectiveState }) },
  );
}

function timedOut(sights: readonly Sight[], { timeout }: Deadline): FinitError {
  const [first] = sights;
  const said = sights.map((sight) => {
    const progress = progressOf(sight);
    const why = typeof progress === 'object' && 'stuck' in progress ? `: ${progress.stuck}` : '';
    return `${sight.before.identity} is ${describeState(sight)}${why}`;
  });
  return new FinitError(
    'FINIT_TIMEOUT',
    `Not ${first?.target ?? 'there'} within ${timeout} ms: ${said.join('; ') || 'finit did not tell'}`,
    {
      subject: sights.map(({ before }) => before.identity).join(' '),
      ...(first?.now && { lastState: first.now.effectiveState }),
    },
  );
}

/** Rings when finit's conditions change, and knows which are on. Where they cannot be watched it never rings: then there is only time. */
class Bell {
  readonly #on = new Set<string>();
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  #rung = false;
  #wake: (() => void) | undefined;
  #following: Promise<void>;
  /** How often it has rung. */
  count = 0;

  constructor(options: CallOptions) {
    const { signal } = this.#abort;
    this.#signal = options.signal ? AbortSignal.any([signal, options.signal]) : signal;
    this.#following = this.#follow(options);
  }

  isOn(name: string): boolean {
    return this.#on.has(name);
  }

  async #follow({ runDir }: CallOptions): Promise<void> {
    try {
      for await (const { name, state } of watch('**', { runDir, signal: this.#signal })) {
        if (state === 'on') this.#on.add(name);
        else this.#on.delete(name);
        this.count++;
        this.#rung = true;
        this.#wake?.();
      }
    } catch {
      // finit has gone, which the next look will tell, or they may not be watched.
    }
  }

  /** Until it rings, for so many milliseconds at most. */
  async wait(time: number): Promise<void> {
    if (!this.#rung && !this.#signal.aborted)
      await new Promise<void>((resolve) => {
        const stop = () => {
          clearTimeout(timer);
          this.#signal.removeEventListener('abort', stop);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(stop, time);
        this.#signal.addEventListener('abort', stop);
        this.#wake = stop;
      });
    this.#rung = false;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#following;
  }
}
