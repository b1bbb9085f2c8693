/**
 * The control groups (v2) in which finit keeps its services: which processes are where, what they use, and their limits.
 */
export { type CgroupLoad, cpuLoads } from './load.js';
export type { CpuMax } from './parse.js';
export type { CgroupProcess } from './processes.js';
export {
  type Cgroup,
  type CgroupCpu,
  type CgroupLimits,
  type CgroupMemory,
  type CgroupOptions,
  findGroup,
  tree,
} from './tree.js';
