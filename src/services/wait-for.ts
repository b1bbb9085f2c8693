/** Waiting until services have got where an order sends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FinitError } from '../errors.js';
import { type CallOptions, connect, type Deadline, type ServiceAction } from '../transport/index.js';
import { list, ownerOf } from './find.js';
import { Hints } from './hints.js';
import { Patience } from './patience.js';
import { ProcessWatch } from './process-watch.js';
import {
  defaultTarget,
  describeState,
  isRunTask,
  progressOf,
  type Sight,
  type WaitTarget,
} from './progress.js';
import { Readiness } from './readiness.js';
import { complete, type Service } from './service.js';

export type { WaitTarget } from './progress.js';

/** For how long what is stuck, and what it is stuck for, must not have moved before it is taken to stay there, in milliseconds. */
const SETTLED = 1000;
/** For the look that tells where it was when the time was over, in milliseconds. */
const LAST_LOOK = 500;
/** From a change to looking at it, in milliseconds: finit makes several at once. */
const COALESCE = 3;
/** The longest time between two looks, in milliseconds: not every change of state touches a condition. */
const LONGEST_LOOK = 200;
/** Up to so many services are asked for one by one, more by listing all. */
const SINGLE = 4;

/** A wait that has begun before the order was given. */
export interface PreparedWait extends AsyncDisposable {
  /**
   * Fulfilled when all are there. To be called when finit has accepted the order: it has gone its first steps by then (service_step() in
   * src/service.c, all versions), so that what is seen from now on is its doing.
   * @throws {FinitError} `FINIT_SERVICE_FAILED`, `FINIT_TIMEOUT`, `FINIT_ABORTED`, or what finit's going away is
   */
  done(deadline: Deadline): Promise<void>;
}

/** One service that is waited for. */
interface Target {
  action: ServiceAction;
  target: WaitTarget;
  before: Service;
  readiness: Readiness;
  process: ProcessWatch;
  /** Where it was stuck, and since when. */
  stuck?: { at: string; since: number } | undefined;
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
  const hints = new Hints(options);
  try {
    const befores = (await list(options)).filter((service) => names.some((name) => isMeant(service, name)));
    const targets = await Promise.all(
      befores.map(async (before) => ({
        action,
        before,
        target: wait === true ? defaultTarget(action, before) : checked(wait, action, before),
        readiness: await Readiness.of(before, action, options),
        process: new ProcessWatch(options),
      })),
    );
    return {
      done: (deadline) => untilAll(targets, hints, deadline, options),
      [Symbol.asyncDispose]: () => hints.close(),
    };
  } catch (error) {
    await hints.close();
    throw error;
  }
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for what never comes. */
function checked(wait: WaitTarget, action: ServiceAction, service: Service): WaitTarget {
  const never =
    action === 'stop'
      ? wait !== 'stopped' && 'a stop ends in stopped'
      : isRunTask(service)
        ? wait === 'ready' && `a ${service.type} is not ready but done`
        : wait === 'done' && `a ${service.type} is never done`;
  if (never)
    throw new FinitError('FINIT_INVALID_ARGUMENT', `${service.identity}: no wait for ${wait}, ${never}`, {
      subject: service.identity,
    });
  return wait;
}

async function untilAll(
  targets: readonly Target[],
  hints: Hints,
  deadline: Deadline,
  options: CallOptions,
): Promise<void> {
  let open = [...targets];
  const patience = new Patience(deadline);
  for (let look = 20; ; look = Math.min(look * 1.5, LONGEST_LOOK)) {
    const sights = await patience.of(() => lookAt(open, deadline, options));
    if (sights !== undefined) {
      open = [];
      for (const { target, sight } of sights) {
        const progress = progressOf(sight);
        if (progress === 'there') continue;
        open.push(target);
        if (progress === 'underway') target.stuck = undefined;
        else if ('failed' in progress) throw failure(sight, progress.failed);
        else if (await patience.of(() => isSettled(target, sight, deadline, options)))
          throw failure(sight, progress.stuck);
      }
      if (open.length === 0) return;
    }
    if (deadline.left === 0) throw timedOut(sights?.map(({ sight }) => sight).filter(isOpen) ?? [], deadline);
    await hints.wait(Math.min(look, deadline.left));
    await sleep(COALESCE);
    if (options.signal?.aborted) {
      const names = open.map(({ before }) => before.identity);
      throw new FinitError('FINIT_ABORTED', `Waiting for ${names.join(', ')} was aborted`, {
        cause: options.signal.reason,
        subject: names.join(' '),
      });
    }
  }
}

const isOpen = (sight: Sight): boolean => progressOf(sight) !== 'there';

async function lookAt(
  targets: readonly Target[],
  deadline: Deadline,
  options: CallOptions,
): Promise<{ target: Target; sight: Sight }[]> {
  const finit = connect(options);
  const patient = { ...options, timeout: Math.max(deadline.left, LAST_LOOK) };
  const services =
    targets.length > SINGLE
      ? await list(patient)
      : complete(
          (
            await Promise.all(targets.map(({ before }) => finit.findService(before.identity, patient)))
          ).filter((record) => record !== undefined),
          options,
        );
  const halted = services.some(({ effectiveState }) => effectiveState === 'halted');
  const runlevel = halted ? (await finit.runlevel(patient)).current : 'S';
  return targets.map((target) => {
    const now = services.find(({ identity }) => identity === target.before.identity);
    // After finit was asked: what is ready now belongs to the process that it told of, or a later one.
    const ready = now && target.readiness.now(now);
    return { target, sight: { ...target, now, ready, process: target.process.look(now), runlevel } };
  });
}

/** Whether it stays where it is: nothing moves there, nor with those that it waits for. */
async function isSettled(
  target: Target,
  { now }: Sight,
  deadline: Deadline,
  options: CallOptions,
): Promise<boolean> {
  if (now === undefined) return true;
  let at: string = now.effectiveState;
  if (now.effectiveState === 'waiting') {
    const services = await list({ ...options, timeout: Math.max(deadline.left, LAST_LOOK) });
    if (mayComeYet(now, services)) {
      target.stuck = undefined;
      return false;
    }
    at += now.conditions.map(({ name, state }) => ` ${name} ${state} ${stateOfOwner(name, services)}`);
  }
  if (target.stuck?.at !== at) target.stuck = { at, since: performance.now() };
  return performance.now() - target.stuck.since > SETTLED;
}

function stateOfOwner(condition: string, services: readonly Service[]): string {
  return ownerOf(condition, services)?.effectiveState ?? '';
}

/** States of services that may still do what another one waits for. */
const COMING: readonly string[] = [
  'starting',
  'running',
  'restart',
  'setup',
  'paused',
  'busy',
  'stopping',
  'active',
  'teardown',
];

/** It waits for conditions only whose owners are still on their way. */
function mayComeYet({ conditions }: Service, services: readonly Service[], depth = 0): boolean {
  return conditions
    .filter(({ state }) => state !== 'on')
    .every(({ name }) => {
      const owner = ownerOf(name, services);
      if (owner === undefined) return false;
      if (COMING.includes(owner.effectiveState)) return true;
      return owner.effectiveState === 'waiting' && depth < 20 && mayComeYet(owner, services, depth + 1);
    });
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
