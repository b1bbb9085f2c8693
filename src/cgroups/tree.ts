/** Control groups, read from the kernel. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import { resolveRunDir } from '../run-dir.js';
import { type CallOptions, connect } from '../transport/index.js';
import { type Hierarchy, hierarchyOf } from './hierarchy.js';
import { assignServices } from './owners.js';
import { type CpuMax, parseCpuMax, parseKeyed, parseLimit, parsePids } from './parse.js';
import { type CgroupProcess, type FoundProcess, readProcess, readText } from './processes.js';

/** Memory of a group and all below it, in bytes. */
export interface CgroupMemory {
  /** All that it is charged with, the page cache included: memory.current. */
  current: number;
  /** As `initctl top` counts it: `anon`, `slab` and `sock` of memory.stat. Absent: there is no such file. */
  resident?: number;
  /** Pages of files: `file` of memory.stat. */
  file?: number;
}

/** Time on CPUs of a group and all below it, since it was made, in µs: cpu.stat. */
export interface CgroupCpu {
  usage: number;
  user: number;
  system: number;
  /** When it was read: milliseconds of a clock that only goes forward, `performance.now()`. */
  readAt: number;
}

/** Limits of a group. Absent: the kernel has no such file there, as in the root, or without that controller. */
export interface CgroupLimits {
  /** In bytes. */
  memoryMin?: number | 'max';
  memoryMax?: number | 'max';
  /** 1 … 10000; 100 is the kernel's default. */
  cpuWeight?: number;
  cpuMax?: CpuMax;
  /** The CPUs that it may use, e.g. `0-3`. */
  cpus?: string;
}

/** A control group. Plain data. */
export interface Cgroup {
  /** The last part of its path; `/` for finit's root. */
  name: string;
  /** Below finit's root, e.g. `/system/web`. */
  path: string;
  /** Absent: without the memory controller, or in the root. */
  memory?: CgroupMemory;
  /** Absent: in the root of a kernel up to 4.19. */
  cpu?: CgroupCpu;
  limits: CgroupLimits;
  /** Those in it, not in groups below it; in the kernel's order. */
  processes: CgroupProcess[];
  /** Identities of the services with processes in it; from the second level on, where services have theirs, also below it. */
  services: string[];
  /** By name. */
  children: Cgroup[];
}

export interface CgroupOptions extends CallOptions {
  /** Only this group and what is below it: `system/web`, or a path as {@link Cgroup.path} is. */
  group?: string | undefined;
  /** Do not ask finit which process belongs to which service. Default: ask, once. */
  services?: boolean | undefined;
}

/**
 * The control groups of finit's services, as they are now: what `initctl cgroup`, `ps` and `top` show. Two of them give the load:
 * {@link cpuLoads}.
 * @throws {FinitError} `FINIT_UNSUPPORTED` where finit has none: the message says why; `FINIT_INVALID_ARGUMENT` for a group that is not
 *   there; unless `services` is false, as every call: see {@link CallOptions}
 */
export async function tree(options: CgroupOptions = {}): Promise<Cgroup> {
  const hierarchy = hierarchyOf(resolveRunDir(options));
  const path = groupPath(options.group);
  // finit first: what is read then is not older than what finit says.
  const services = options.services === false ? [] : await connect(options).listServices(options);
  const found = readGroup(hierarchy, path);
  if (found === undefined)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `No control group ${path}: node-finit ps shows those that there are`,
      {
        subject: path,
      },
    );
  return assignServices(found, services);
}

/** The group of a service in a tree; undefined when no process of it is in one. */
export function findGroup(tree: Cgroup, service: string): Cgroup | undefined {
  if (tree.services.includes(service) && tree.path.split('/').length > 2) return tree;
  for (const child of tree.children) {
    const found = findGroup(child, service);
    if (found !== undefined) return found;
  }
  return tree.services.includes(service) ? tree : undefined;
}

function groupPath(group: string | undefined): string {
  const parts = (group ?? '').split('/').filter(Boolean);
  if (parts.some((part) => part === '.' || part === '..' || part.includes('\0')))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `Not a control group: ${JSON.stringify(group)}`);
  return `/${parts.join('/')}`;
}

/** A group as it is read: whose its processes are is not known yet. */
export interface FoundGroup extends Omit<Cgroup, 'processes' | 'services' | 'children'> {
  processes: FoundProcess[];
  children: FoundGroup[];
}

/** Reads a group and all below it. @returns undefined when it is not there, or no longer */
export function readGroup(hierarchy: Hierarchy, path: string): FoundGroup | undefined {
  const directory = join(hierarchy.path, path);
  const pids = readText(join(directory, 'cgroup.procs'));
  const names = pids === undefined ? undefined : directoriesIn(directory);
  if (pids === undefined || names === undefined) return undefined;
  const below = path === '/' ? '' : path;
  const group: FoundGroup = {
    name: path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1),
    path,
    limits: limitsOf(directory),
    processes: parsePids(pids).flatMap((pid) => readProcess(hierarchy.proc, pid, hierarchy.depth) ?? []),
    children: names.flatMap((name) => readGroup(hierarchy, `${below}/${name}`) ?? []),
  };
  const memory = memoryOf(directory);
  const cpu = cpuOf(directory);
  if (memory !== undefined) group.memory = memory;
  if (cpu !== undefined) group.cpu = cpu;
  return group;
}

function directoriesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch {
    return undefined;
  }
}

function memoryOf(directory: string): CgroupMemory | undefined {
  const current = parseLimit(readText(join(directory, 'memory.current')));
  if (typeof current !== 'number') return undefined;
  const text = readText(join(directory, 'memory.stat'));
  if (text === undefined) return { current };
  const stat = parseKeyed(text);
  const [anon = 0, slab = 0, sock = 0, file = 0] = ['anon', 'slab', 'sock', 'file'].map((key) =>
    stat.get(key),
  );
  return { current, resident: anon + slab + sock, file };
}

function cpuOf(directory: string): CgroupCpu | undefined {
  const text = readText(join(directory, 'cpu.stat'));
  const readAt = performance.now();
  const stat = parseKeyed(text ?? '');
  const usage = stat.get('usage_usec');
  if (usage === undefined) return undefined;
  return { usage, user: stat.get('user_usec') ?? 0, system: stat.get('system_usec') ?? 0, readAt };
}

function limitsOf(directory: string): CgroupLimits {
  const read = (file: string) => readText(join(directory, file));
  const memoryMin = parseLimit(read('memory.min'));
  const memoryMax = parseLimit(read('memory.max'));
  const cpuWeight = parseLimit(read('cpu.weight'));
  const cpuMax = parseCpuMax(read('cpu.max'));
  const cpus = read('cpuset.cpus.effective')?.trim();
  return {
    ...(memoryMin !== undefined && { memoryMin }),
    ...(memoryMax !== undefined && { memoryMax }),
    ...(typeof cpuWeight === 'number' && { cpuWeight }),
    ...(cpuMax !== undefined && { cpuMax }),
    ...(cpus && { cpus }),
  };
}
