/** What a sandbox consists of on the host, and whether any of it is left. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SandboxTrace {
  /** Host pids of finit and all other processes in its pid namespace. */
  inside: number[];
  unshare: number;
  keeper: number;
  /** The sandbox's folder in the cache. */
  dir: string;
  cgroup: string | undefined;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return [pid, ...children.flatMap(descendants)];
}

/** Takes note of all that belongs to the sandbox whose finit has this pid. */
export function traceSandbox(pid: number): SandboxTrace {
  const unshare = parentOf(pid);
  const keeper = parentOf(unshare);
  const [boxes = '', id = ''] = readFileSync(`/proc/${keeper}/cmdline`, 'utf8').split('\0').slice(2);
  const path = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/';
  const mount = / (\S+) \S+ (?:\S+ )*- cgroup2 /.exec(
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((line) => line.includes(' - cgroup2 ')) ?? '',
  )?.[1];
  const own = mount !== undefined && basename(path).startsWith('node-finit-');
  return {
    inside: descendants(pid),
    unshare,
    keeper,
    dir: join(boxes, id),
    cgroup: own && mount !== undefined ? join(mount, path) : undefined,
  };
}

/** What is there of it now: empty when nothing is. */
export function leftOf(trace: SandboxTrace): string[] {
  const left: string[] = [];
  for (const pid of [...trace.inside, trace.unshare, trace.keeper])
    if (existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
      left.push(`process ${pid}`);
  if (existsSync(trace.dir)) left.push(`${trace.dir}: ${readdirSync(trace.dir).join(' ')}`);
  if (trace.cgroup !== undefined && existsSync(trace.cgroup)) left.push(trace.cgroup);
  if (readFileSync('/proc/self/mountinfo', 'utf8').includes(basename(trace.dir))) left.push('mounts');
  return left;
}

/** Waits until nothing is left of it, or ten seconds; what is left then. */
export async function leftAfterAWhile(trace: SandboxTrace): Promise<string[]> {
  let left: string[] = [];
  for (let i = 0; i < 500; i++) {
    try {
      left = leftOf(trace);
    } catch {
      left = ['a process that was just going'];
    }
    if (left.length === 0) return left;
    await sleep(20);
  }
  return left;
}
