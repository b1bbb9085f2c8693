/** Which service a process belongs to. */
import { readFileSync, readlinkSync } from 'node:fs';
import { FinitError } from '../errors.js';
import { finitRoot } from '../finit-root.js';
import type { CallOptions } from '../transport/index.js';
import { list } from './find.js';
import type { Service } from './service.js';

/**
 * The service that a process belongs to: its main process, a child of that, or one that has become a daemon but is still in its session,
 * or in a cgroup that is its alone. Undefined for others.
 * @param pid - as finit numbers processes: of its own pid namespace, which for a finit elsewhere (a sandbox) is not ours.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`, or as {@link list}.
 */
export async function findByPid(pid: number, options: CallOptions = {}): Promise<Service | undefined> {
  if (!Number.isInteger(pid) || pid < 1)
    throw new FinitError('FINIT_INVALID_ARGUMENT', `A pid is a whole number above 0, not ${pid}`);
  const proc = procOf(options);
  const ancestors = ancestorsOf(pid, proc);
  const services = await list(options);
  const byMainPid = (wanted: number | undefined) =>
    wanted === undefined ? undefined : services.find((service) => service.pid === wanted);
  for (const ancestor of ancestors) {
    const found = byMainPid(ancestor);
    if (found) return found;
  }
  // finit makes each main process the leader of a session (service_start() in src/service.c, all versions).
  const session = proc === undefined ? undefined : readStat(pid, proc)?.session;
  return byMainPid(session) ?? byCgroup(pid, proc, services);
}

/**
 * The service that this very process belongs to.
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE` when finit did not start it; or as {@link list}.
 */
export async function self(options: CallOptions = {}): Promise<Service> {
  const service = isElsewhere(options) ? undefined : await findByPid(process.pid, options);
  if (service !== undefined) return service;
  throw new FinitError(
    'FINIT_UNKNOWN_SERVICE',
    `This process (pid ${process.pid}) belongs to no service of finit's: something else started it`,
    { subject: String(process.pid) },
  );
}

/** Its processes have pids of a namespace of their own, so that ours means nothing to it. */
function isElsewhere(options: CallOptions): boolean {
  const root = finitRoot(options);
  if (root === undefined || root === '') return false;
  try {
    return readlinkSync(`${root}/proc/1/ns/pid`) !== readlinkSync('/proc/self/ns/pid');
  } catch {
    return true;
  }
}

/** The /proc that has finit's processes; undefined when it is not known. */
export function procOf(options: CallOptions): string | undefined {
  const root = finitRoot(options);
  return root === undefined ? undefined : `${root}/proc`;
}

/** What /proc/PID/stat says. */
export interface ProcessStat {
  /** The program's name, as the process has it since its exec(). */
  name: string;
  /** One letter, `Z` for a zombie: see proc(5). */
  state: string;
  parent: number;
  session: number;
}

/** Undefined for a process that is not there, or cannot be seen. */
export function readStat(pid: number, proc: string): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`${proc}/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name is in parentheses, and may hold some itself.
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)/s.exec(text) ?? [];
  const [state = '', parent, , session] = rest.split(' ');
  return { name, state, parent: Number(parent), session: Number(session) };
}

/** The process itself, its parent, and so on up to but not including PID 1. */
function ancestorsOf(pid: number, proc: string | undefined): number[] {
  const ancestors = [pid];
  if (proc === undefined) return ancestors;
  for (;;) {
    const parent = readStat(ancestors.at(-1) ?? 0, proc)?.parent ?? 0;
    // A pid that is used anew while we look could lead in a circle.
    if (parent <= 1 || ancestors.includes(parent)) return ancestors;
    ancestors.push(parent);
  }
}

function byCgroup(pid: number, proc: string | undefined, services: readonly Service[]): Service | undefined {
  if (proc === undefined) return undefined;
  const group = readCgroup(pid, proc);
  if (group === undefined) return undefined;
  // finit names a group after the stanza's file, so several services may share it.
  const members = services.filter((service) => service.pid && readCgroup(service.pid, proc) === group);
  return members.length === 1 ? members[0] : undefined;
}

/** A process' group in the v2 hierarchy, but not the root nor finit's own; undefined when there is none. */
function readCgroup(pid: number, proc: string): string | undefined {
  try {
    const path = /^0::(.*)$/m.exec(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'))?.[1];
    return path === '/' || path === '/init' ? undefined : path;
  } catch {
    return undefined;
  }
}
