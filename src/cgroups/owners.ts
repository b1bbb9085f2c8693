/** Which control groups and processes belong to which service. No I/O. */
import type { Service } from '../protocol/service.js';
import type { CgroupProcess, FoundProcess } from './processes.js';
import type { Cgroup, FoundGroup } from './tree.js';

/** What is needed of a service. */
export type Owner = Pick<Service, 'identity' | 'origin'> & {
  pid?: number | undefined;
  cgroup?: Service['cgroup'] | undefined;
  type: Service['type'];
};

/**
 * Says of each process whose it is: a service's main process; what descends from one; or the rest of a group that is one service's, as
 * what a service has left behind. Services from the same .conf file share a group.
 */
export function assignServices(root: FoundGroup, services: readonly Owner[]): Cgroup {
  const mains = new Map(services.flatMap(({ pid, identity }) => (pid ? [[pid, identity] as const] : [])));
  const parents = new Map([...processesIn(root)].map(({ pid, parent }) => [pid, parent]));
  const assign = (group: FoundGroup, inherited: string | undefined): Cgroup => {
    const { processes, children, ...rest } = group;
    const known = processes.map((process) => ownerByPid(process.pid, mains, parents));
    const candidates = [...new Set(known.filter((identity) => identity !== undefined))];
    const byPath = onlyOne(
      services.filter((service) => pathOf(service) === group.path).map(({ identity }) => identity),
    );
    // Below the group of a service is what it has made itself (delegation).
    const whole = depthOf(group.path) < OWN_GROUPS ? undefined : (inherited ?? byPath ?? onlyOne(candidates));
    const below = children.map((child) => assign(child, whole));
    const named = processes.map((process, i) => withService(process, known[i] ?? whole));
    const own = named.flatMap(({ service }) => service ?? []);
    const theirs = depthOf(group.path) < OWN_GROUPS ? [] : below.flatMap((child) => child.services);
    return { ...rest, processes: named, services: [...new Set([...own, ...theirs])].sort(), children: below };
  };
  return assign(root, undefined);
}

/** The level at which services have groups: /system/web. */
const OWN_GROUPS = 2;

const depthOf = (path: string): number => path.split('/').filter(Boolean).length;

function* processesIn({ processes, children }: FoundGroup): Generator<FoundProcess> {
  yield* processes;
  for (const child of children) yield* processesIn(child);
}

/** The service whose main process it is, or descends from. */
function ownerByPid(
  pid: number,
  mains: ReadonlyMap<number, string>,
  parents: ReadonlyMap<number, number>,
): string | undefined {
  const seen = new Set<number>();
  for (
    let current: number | undefined = pid;
    current !== undefined && current > 1;
    current = parents.get(current)
  ) {
    const owner = mains.get(current);
    if (owner !== undefined) return owner;
    // Pids may be used again while they are read.
    if (seen.has(current)) return undefined;
    seen.add(current);
  }
  return undefined;
}

/** Where finit puts a service: group_name() in src/service.c, cgroup_svc_name() and cgroup_service() in src/cgroup.c, 4.2 … 5.0-dev. */
function pathOf({ identity, origin, cgroup, type }: Owner): string {
  if (type === 'tty') return '/user/getty';
  // Up to 4.14 the name may have settings behind a comma, and finit then finds no such group.
  const parent = cgroup?.name && !cgroup.name.includes(',') ? cgroup.name : 'system';
  const file = origin.slice(origin.lastIndexOf('/') + 1);
  return `/${parent}/${cgroup?.leafName || file.replace(/\.conf.*$/, '') || identity}`;
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

function withService({ pid, name, command }: FoundProcess, service: string | undefined): CgroupProcess {
  return service === undefined ? { pid, name, command } : { pid, name, command, service };
}
