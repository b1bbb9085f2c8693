/** Ordering services about. */
import { constants } from 'node:os';
import { FinitError } from '../errors.js';
import { checkServiceName } from '../protocol/job-string.js';
import { type CallOptions, connect, Deadline, type ServiceAction } from '../transport/index.js';
import { unknownServices } from './find.js';
import { prepareWait, type WaitTarget } from './wait-for.js';

/** What {@link start}, {@link stop}, {@link restart} and {@link reload} take. */
export interface ActOptions extends CallOptions {
  /**
   * Wait until all of the services have got there, or it is clear that one cannot.
   * - `running`: there is a process, a new one after {@link restart}, and it is still there 100 ms later;
   * - `ready`: and it has said that it is ready, where its stanza has a `notify:` for that; after {@link reload}, has said so again;
   * - `stopped`: there is no process any more;
   * - `done`: a run or task has ended well.
   *
   * `true` is what the order is for: `stopped` after {@link stop}; else `done` for a run or task, `running` for a tty and for a service
   * with `notify:pid` (which is finit 4's default) that has no `pid:`, and `ready` for all others. Default: don't wait.
   *
   * While finit still tries (it starts what has crashed again; others are on their way to what it waits for) so does the wait. What is
   * stuck (waiting for a condition that nobody is about to assert, not for this runlevel, stopped by another) is given up after a second.
   *
   * With it, `timeout` is for all of it. Default then: 60 s.
   */
  wait?: WaitTarget | boolean | undefined;
}

/** How long to wait for services, unless the caller says otherwise, in milliseconds. */
const WAIT_TIMEOUT = 60_000;

/**
 * Starts services, and lifts what kept them from running (stopped, crashed). A task or run runs
 * once more if its stanza has `manual:yes`; any other runs once in a runlevel, and finit says yes and leaves it.
 *
 * Fulfilled when finit has accepted it, not when they run: a service may still wait for its conditions. With `wait` it is fulfilled when
 * they have got there.
 * @param names - one or several of `name:id`, or `name` for all with that name, or finit's job number, which services with the
 *   same command share. None of them is started when one is unknown.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE`, `FINIT_INVALID_ARGUMENT`, `FINIT_REFUSED`, `FINIT_CONNECTION_LOST` (up to finit
 *   4.14 also when in runlevel S, 0 or 6), or as every call: see {@link CallOptions}. With `wait` also `FINIT_SERVICE_FAILED` as soon as it
 *   is clear that one does not get there, its message says why; `FINIT_TIMEOUT` with the state in which it is.
 */
export async function start(names: string | readonly string[], options: ActOptions = {}): Promise<void> {
  await act('start', names, options);
}

/**
 * Stops services until they are started again. Fulfilled when finit has accepted it, not when they have ended; with `wait`, when they
 * have. Names and errors: as for {@link start}.
 */
export async function stop(names: string | readonly string[], options: ActOptions = {}): Promise<void> {
  await act('stop', names, options);
}

/**
 * Stops and starts services; starts those that are not running. Fulfilled when finit has accepted it and, for a running
 * service, told it to stop; finit starts it again when it has ended. With `wait`, when the new process is there. Names and errors: as for
 * {@link start}.
 */
export async function restart(names: string | readonly string[], options: ActOptions = {}): Promise<void> {
  await act('restart', names, options);
}

/**
 * Makes finit treat services as if their stanzas had changed: one that takes SIGHUP gets it, another is stopped and started (`<!…>` in its
 * stanza). A run or task that has run runs again. finit's configuration is not read again: that is `system.reload()`. finit takes a service
 * with SIGHUP for ready meanwhile; with `wait`, it has to say so once more. Names and errors: as for {@link start}.
 */
export async function reload(names: string | readonly string[], options: ActOptions = {}): Promise<void> {
  await act('reload', names, options);
}

/**
 * Sends a signal to the main processes of services.
 * @param names - as for {@link start}
 * @param signal - its name, or its number from 1 to 31
 * @throws {FinitError} `FINIT_REFUSED` for a service that is not running; `FINIT_UNSUPPORTED` in finit 4.2; `FINIT_UNKNOWN_SERVICE`,
 *   `FINIT_INVALID_ARGUMENT`, or as every call: see {@link CallOptions}.
 */
export async function signal(
  names: string | readonly string[],
  signal: NodeJS.Signals | number,
  options: CallOptions = {},
): Promise<void> {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  // finit knows the classic ones (sig2str() in src/sig.c).
  if (!Number.isInteger(number) || number < 1 || number > 31)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `finit sends signals by name or number from 1 to 31, not ${String(signal)}`,
    );
  const all = checkNames(names, 'signal');
  const deadline = new Deadline(options.timeout);
  const rest = () => ({ ...options, timeout: deadline.left || 1 });
  const finit = connect(options);
  const strangers = await finit.unknownServices(all, options);
  if (strangers.length > 0) throw unknownServices(strangers);
  const refused = await finit.signalServices(all, number, rest());
  if (refused.length > 0)
    throw new FinitError(
      'FINIT_REFUSED',
      `finit sends signals to running services only, and did not send ${String(signal)} to ${refused.join(', ')}: not running. ` +
        'A name without :ID means all its instances; those that run have got it.',
      { subject: refused.join(' ') },
    );
}

async function act(
  action: ServiceAction,
  names: string | readonly string[],
  options: ActOptions,
): Promise<void> {
  const { wait = false } = options;
  const all = checkNames(names, action);
  const deadline = new Deadline(options.timeout ?? (wait ? WAIT_TIMEOUT : undefined));
  const rest = () => ({ ...options, timeout: deadline.left || 1 });
  const finit = connect(options);
  // As initctl does: start, stop and restart alone say yes to a name that is not there.
  const strangers = await finit.unknownServices(all, rest());
  if (strangers.length > 0) throw unknownServices(strangers);
  // Before the order, so that nothing is missed.
  await using waiting = wait === false ? undefined : await prepareWait(action, all, wait, rest());
  const refused = await finit.act(action, all, rest());
  if (refused.length > 0)
    throw new FinitError('FINIT_REFUSED', `finit refused to ${action} ${refused.join(', ')}`, {
      subject: refused.join(' '),
    });
  await waiting?.done(deadline);
}

function checkNames(names: string | readonly string[], action: string): string[] {
  const all = typeof names === 'string' ? [names] : [...names];
  if (all.length === 0) throw new FinitError('FINIT_INVALID_ARGUMENT', `No service to ${action} was named`);
  for (const name of all) checkServiceName(name);
  return all;
}
