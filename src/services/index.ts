/**
 * The services of the init system: what there is, and starting and stopping it.
 */
import { constants, uptime as machineUptime } from 'node:os';
import { FinitError } from '../errors.js';
import { checkServiceName } from '../protocol/job-string.js';
import type { Service } from '../protocol/service.js';
import { type CallOptions, connect, Deadline, type ServiceAction } from '../transport/index.js';

export type {
  NotifyKind,
  ProcessExit,
  Runlevel,
  Service,
  ServiceState,
  ServiceType,
} from '../protocol/service.js';
export { formatRunlevels } from '../protocol/service.js';
export type { CallOptions } from '../transport/index.js';

/**
 * All services, runs, tasks, ttys and sysv scripts that finit has, in finit's order: as in `initctl status`.
 *
 * Costs PID 1 some 20 µs for each. Clients that list at the same time disturb each other (finit has one iterator for
 * all); that is noticed, and done over.
 * @throws {FinitError} `FINIT_UNKNOWN_RECORD`, `FINIT_BAD_REPLY`, or as every call: see {@link CallOptions}.
 */
export async function list(options: CallOptions = {}): Promise<Service[]> {
  return await connect(options).listServices(options);
}

/**
 * One service.
 * @param name - `name:id`, or `name`: of several with that name the first. A number is finit's job number.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE`, `FINIT_INVALID_ARGUMENT`, `FINIT_UNKNOWN_RECORD`, or as every call: see
 *   {@link CallOptions}.
 */
export async function get(name: string, options: CallOptions = {}): Promise<Service> {
  checkServiceName(name);
  const service = await connect(options).findService(name, options);
  if (service === undefined) throw unknown([name]);
  return service;
}

/**
 * Starts services, and lifts what kept them from running (stopped, crashed). A task or run runs
 * once more if its stanza has `manual:yes`; any other runs once in a runlevel, and finit says yes and leaves it.
 *
 * Fulfilled when finit has accepted it, not when they run: a service may still wait for its conditions.
 * @param names - one or several of `name:id`, or `name` for all with that name, or finit's job number, which services with the
 *   same command share. None of them is started when one is unknown.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE`, `FINIT_INVALID_ARGUMENT`, `FINIT_REFUSED`, `FINIT_CONNECTION_LOST` (up to finit
 *   4.14 also when in runlevel S, 0 or 6), or as every call: see {@link CallOptions}.
 */
export async function start(names: string | readonly string[], options: CallOptions = {}): Promise<void> {
  await act('start', names, options);
}

/**
 * Stops services until they are started again. Fulfilled when finit has accepted it, not when they have ended.
 * Names and errors: as for {@link start}.
 */
export async function stop(names: string | readonly string[], options: CallOptions = {}): Promise<void> {
  await act('stop', names, options);
}

/**
 * Stops and starts services; starts those that are not running. Fulfilled when finit has accepted it and, for a running
 * service, told it to stop; finit starts it again when it has ended. Names and errors: as for {@link start}.
 */
export async function restart(names: string | readonly string[], options: CallOptions = {}): Promise<void> {
  await act('restart', names, options);
}

/**
 * Reloads services as if their stanzas had changed: SIGHUP for those that take it, else stop and start. Fulfilled when finit has
 * accepted it. Names and errors: as for {@link start}.
 */
export async function reload(names: string | readonly string[], options: CallOptions = {}): Promise<void> {
  await act('reload', names, options);
}

/**
 * Sends a signal to the main processes of services.
 * @param signal - a name, or a number from 1 to 64.
 * @throws {FinitError} as {@link start}; `FINIT_REFUSED` for a service without a process.
 */
export async function signal(
  names: string | readonly string[],
  signal: NodeJS.Signals | number,
  options: CallOptions = {},
): Promise<void> {
  const all = typeof names === 'string' ? [names] : [...names];
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (!Number.isInteger(number) || number < 1 || number > 64)
    throw new FinitError('FINIT_INVALID_ARGUMENT', `No signal ${signal}`);
  for (const name of all) checkServiceName(name);
  const finit = connect(options);
  const deadline = new Deadline(options.timeout);
  const strangers = await finit.unknownServices(all, options);
  if (strangers.length > 0) throw unknown(strangers);
  const refused = await finit.signalServices(all, number, { ...options, timeout: deadline.left || 1 });
  if (refused.length > 0)
    throw new FinitError(
      'FINIT_REFUSED',
      `finit did not send signal ${signal} to ${refused.join(', ')}: not running`,
      {
        subject: refused.join(' '),
      },
    );
}

/** For how long a service's process has been there, in seconds; undefined without one. The machine's clock: also in a sandbox. */
export function uptime(service: Pick<Service, 'startTime'>): number | undefined {
  return service.startTime === undefined ? undefined : Math.max(0, machineUptime() - service.startTime);
}

async function act(
  action: ServiceAction,
  names: string | readonly string[],
  options: CallOptions,
): Promise<void> {
  const all = typeof names === 'string' ? [names] : [...names];
  if (all.length === 0) throw new FinitError('FINIT_INVALID_ARGUMENT', `No service to ${action} was named`);
  for (const name of all) checkServiceName(name);
  const finit = connect(options);
  const deadline = new Deadline(options.timeout);
  // As initctl does: start, stop and restart alone say yes to a name that is not there.
  const strangers = await finit.unknownServices(all, options);
  if (strangers.length > 0) throw unknown(strangers);
  const refused = await finit.act(action, all, { ...options, timeout: deadline.left || 1 });
  if (refused.length > 0)
    throw new FinitError('FINIT_REFUSED', `finit refused to ${action} ${refused.join(', ')}`, {
      subject: refused.join(' '),
    });
}

function unknown(names: string[]): FinitError {
  return new FinitError(
    'FINIT_UNKNOWN_SERVICE',
    `finit has no service ${names.join(', ')}. "node-finit status" lists those it has; one whose stanza it does not like is not ` +
      'there either, then its log says why.',
    { subject: names.join(' ') },
  );
}
