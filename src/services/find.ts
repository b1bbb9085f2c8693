/** Asking what services there are. */
import { FinitError } from '../errors.js';
import { cutConditionName, MAX_NAME_4X, parseConditionName } from '../protocol/condition-name.js';
import { checkServiceName } from '../protocol/job-string.js';
import type { ServiceType } from '../protocol/service.js';
import { type CallOptions, connect } from '../transport/index.js';
import { complete, type Service } from './service.js';

/**
 * All services, runs, tasks, ttys and sysv scripts that finit has, in finit's order: as in `initctl status`.
 *
 * Costs PID 1 some 20 µs for each. Clients that list at the same time disturb each other (finit 4 has one iterator for
 * all); that is noticed, and done over.
 * @throws {FinitError} `FINIT_UNKNOWN_RECORD`, `FINIT_BUSY`, `FINIT_BAD_REPLY`, or as every call: see {@link CallOptions}.
 */
export async function list(options: CallOptions = {}): Promise<Service[]> {
  return complete(await connect(options).listServices(options), options);
}

/**
 * One service.
 * @param name - `name:id`, or `name`: of several with that name the first. A number is finit's job number.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE`, `FINIT_INVALID_ARGUMENT`, `FINIT_UNKNOWN_RECORD`, or as every call: see
 *   {@link CallOptions}.
 */
export async function get(name: string, options: CallOptions = {}): Promise<Service> {
  checkServiceName(name);
  const record = await connect(options).findService(name, options);
  if (record === undefined) throw unknownServices([name]);
  return complete([record], options)[0] as Service;
}

/**
 * The service that asserts a condition: `pid/NAME`, `service/NAME/ready`, `task/NAME/success`, `run/NAME/failure` … of NAME or NAME:ID,
 * and from finit 5 on what its stanza `provides`.
 * @param condition - its full name; a bare one means `usr/<name>`.
 * @returns undefined when no service does: `usr/…`, `net/…`, `hook/…`, or a service that is not there.
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, or as {@link list}
 */
export async function findByCondition(
  condition: string,
  options: CallOptions = {},
): Promise<Service | undefined> {
  const name = parseConditionName(condition);
  return ownerOf(name, await list(options));
}

/** Which kinds of stanza assert what: svc_set_state() in src/service.c and mkcond() in src/cond.c, 4.2 … 5.0-dev. */
const ASSERTED_BY: Readonly<Record<string, readonly ServiceType[]>> = {
  pid: ['service', 'sysv'],
  service: ['service', 'sysv'],
  sysv: ['sysv'],
  tty: ['tty'],
  task: ['task'],
  run: ['run'],
};

/** Of these services, the one that asserts a condition. */
export function ownerOf(condition: string, services: readonly Service[]): Service | undefined {
  const provider = services.find(({ provides }) => provides?.includes(condition));
  if (provider) return provider;
  const [kind = '', ...rest] = condition.split('/');
  const types = Object.hasOwn(ASSERTED_BY, kind) ? ASSERTED_BY[kind] : undefined;
  const candidates = services.filter(({ type }) => types?.includes(type));
  const identity = kind === 'pid' ? rest.join('/') : rest.slice(0, -1).join('/');
  const exact = candidates.find((service) => service.identity === identity);
  if (exact || Buffer.byteLength(condition) < MAX_NAME_4X) return exact;
  // As finit 4 cut it.
  return candidates.find((service) =>
    cutConditionName(`${kind}/${service.identity}/`, MAX_NAME_4X).startsWith(condition),
  );
}

/**
 * The services that have a condition in their stanza, whatever its state.
 * @param condition - its full name; a bare one means `usr/<name>`.
 * @throws {FinitError} as {@link list}
 */
export async function dependents(condition: string, options: CallOptions = {}): Promise<Service[]> {
  const wanted = parseConditionName(condition);
  const services = await list(options);
  return services.filter(({ conditions }) => conditions.some(({ name }) => name === wanted));
}

/** The error for names that finit does not have. */
export function unknownServices(names: readonly string[]): FinitError {
  return new FinitError(
    'FINIT_UNKNOWN_SERVICE',
    `finit has no service ${names.join(', ')}. "node-finit status" lists those it has; one whose stanza it does not like is not ` +
      'there either, then its log says why.',
    { subject: names.join(' ') },
  );
}
