/** How busy control groups are. No I/O. */
import type { Cgroup } from './tree.js';

/** Of a group and all below it. */
export interface CgroupLoad {
  /** Below finit's root. */
  path: string;
  /** Time on CPUs in percent of the time between the readings: 100 is one CPU, so it may be more. */
  percent: number;
}

/**
 * What groups have done between two readings.
 * @returns those that are in both, in the order of the later. One that was removed and made again in between begins at 0.
 */
export function cpuLoads(earlier: Cgroup, later: Cgroup): CgroupLoad[] {
  const before = new Map([...groupsIn(earlier)].map((group) => [group.path, group.cpu]));
  return [...groupsIn(later)].flatMap(({ path, cpu }) => {
    const since = before.get(path);
    if (cpu === undefined || since === undefined || cpu.readAt <= since.readAt) return [];
    const used = cpu.usage < since.usage ? cpu.usage : cpu.usage - since.usage;
    // µs in ms
    return [{ path, percent: used / (cpu.readAt - since.readAt) / 10 }];
  });
}

function* groupsIn(group: Cgroup): Generator<Cgroup> {
  yield group;
  for (const child of group.children) yield* groupsIn(child);
}
