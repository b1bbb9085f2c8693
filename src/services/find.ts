/** Asking what services there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import { checkServiceName } from '../protocol/job-string.js';
import { DEFAULT_RUN_DIR, resolveRunDir } from '../run-dir.js';
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
 * The service that asserts a condition: of `pid/NAME`, `service/NAME/STATE` and the like, and what a stanza says that it `provides`
 * (finit 5).
 * @param condition - its full name.
 * @returns undefined when no service does: `usr/…`, `net/…`, `hook/…`, or a service that is not there.
 * @throws {FinitError} as {@link list}
 */
export async function findByCondition(
  condition: string,
  options: CallOptions = {},
): Promise<Service | undefined> {
  const services = await list(options);
  return services.find((service) => asserts(service, condition));
}

/** Whether a service is the one that asserts a condition (mkcond() and service_…() in src/, 4.2 … 5.0-dev). */
export function asserts({ identity, name, type, provides }: Service, condition: string): boolean {
  const [kind = '', ...rest] = condition.split('/');
  if (provides?.includes(condition)) return true;
  if (kind === 'pid') return rest.join('/') === identity || rest.join('/') === name;
  if (!['service', 'task', 'run', 'sysv', 'tty'].includes(kind)) return false;
  return kind === type && rest.slice(0, -1).join('/') === identity;
}

/**
 * The services that need a condition, whatever its state.
 * @throws {FinitError} as {@link list}
 */
export async function dependents(condition: string, options: CallOptions = {}): Promise<Service[]> {
  const services = await list(options);
  return services.filter(({ conditions }) => conditions.some(({ name }) => name === condition));
}

/**
 * The service that a process belongs to: its main process, a descendant of it, or one in the same control group.
 * @param pid - as finit sees it: in its pid namespace, which is that of this process, except for a sandbox's or a container's.
 * @returns undefined for a process that is no service's, or that is not there.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`, or as {@link list}
 */
export async function findByPid(pid: number, options: CallOptions = {}): Promise<Service | undefined> {
  if (!Number.isInteger(pid) || pid < 1)
    throw new FinitError('FINIT_INVALID_ARGUMENT', `A pid is a number above 0, not ${pid}`);
  const services = await list(options);
  const byPid = new Map(
    services.flatMap((service) => (service.pid ? [[service.pid, service] as const] : [])),
  );
  const proc = procOf(resolveRunDir(options));
  // Up to PID 1; bounded, should pids be used again meanwhile.
  for (let current = pid, steps = 0; current > 1 && steps < 1000; steps++) {
    const service = byPid.get(current);
    if (service) return service;
    const parent = parentOf(proc, current);
    if (parent === undefined) break;
    current = parent;
  }
  // One that has left its parent is still in its control group, where finit has them: then no two services share one.
  const group = controlGroupOf(proc, pid);
  if (pid === 1 || group === undefined || group === controlGroupOf(proc, 1)) return undefined;
  const members = services.filter((service) => service.pid && controlGroupOf(proc, service.pid) === group);
  return members.length === 1 ? members[0] : undefined;
}

/**
 * The service that this very process belongs to.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE` when finit has not started it, or as {@link list}
 */
export async function self(options: CallOptions = {}): Promise<Service> {
  const service = await findByPid(process.pid, options);
  if (service === undefined)
    throw new FinitError(
      'FINIT_UNKNOWN_SERVICE',
      `This process, pid ${process.pid}, belongs to none of finit's services: something else has started it`,
      { subject: String(process.pid) },
    );
  return service;
}

export function unknownServices(names: readonly string[]): FinitError {
  return new FinitError(
    'FINIT_UNKNOWN_SERVICE',
    `finit has no service ${names.join(', ')}. "node-finit status" lists those it has; one whose stanza it does not like is not ` +
      'there either, then its log says why.',
    { subject: names.join(' ') },
  );
}

/** The /proc that finit's pids are in: for a run directory seen through another root, that root's. */
function procOf(runDir: string): string {
  return runDir.endsWith(DEFAULT_RUN_DIR) ? join(runDir.slice(0, -DEFAULT_RUN_DIR.length), '/proc') : '/proc';
}

function parentOf(proc: string, pid: number): number | undefined {
  const stat = readProc(proc, pid, 'stat');
  // The name, in parentheses, may hold anything; the fourth field is the parent.
  const [, parent] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return parent === undefined ? undefined : Number(parent);
}

function controlGroupOf(proc: string, pid: number): string | undefined {
  return /^0::(.*)$/m.exec(readProc(proc, pid, 'cgroup') ?? '')?.[1];
}

function readProc(proc: string, pid: number, file: string): string | undefined {
  try {
    return readFileSync(join(proc, String(pid), file), 'latin1');
  } catch {
    return undefined;
  }
}
