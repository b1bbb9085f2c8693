/** Control groups as `initctl cgroup`, `ps` and `top` show them (cgroup_tree() in src/cgutil.c, 4.14). No I/O. */
import { totalmem } from 'node:os';
import type { Cgroup, CgroupLoad } from '../cgroups/index.js';
import type { Screen } from './output.js';
import { cut, dim } from './style.js';
import { memoryWords } from './words.js';

/** What stands before a group's name, and before a process. */
interface Columns {
  group(group: Cgroup): string;
  process: string;
}

/** `initctl ps`: the tree alone. */
export const psColumns: Columns = { group: () => '', process: '' };

/** Heading of `initctl cgroup`. */
export const CGROUP_HEADING = '   MEM [MIN      MAX]    CPU [WEIGHT   MAX] GROUP';
/** `initctl cgroup`: limits. */
export const cgroupColumns: Columns = {
  group: ({ memory, limits }) => {
    const { memoryMin, memoryMax, cpus = '', cpuWeight, cpuMax } = limits;
    const max = cpuMax === undefined ? '' : `${cpuMax.quota} ${cpuMax.period}`;
    return (
      `${cell(memoryWords(memory?.current ?? 0), 6)} [${cell(text(memoryMin), -6)}${cell(limit(memoryMax), 6)}] ` +
      `${cell(cpus, 6)} [${cell(text(cpuWeight), -6)}${cell(max, 6)}] `
    );
  },
  process: ' --.-- [            ]        [            ] ',
};

/** Heading of `initctl top`. */
export const TOP_HEADING = ' VmSIZE     RSS   VmLIB  %MEM  %CPU  GROUP';
/** `initctl top`: what is used. */
export function topColumns(loads: readonly CgroupLoad[]): Columns {
  const byPath = new Map(loads.map(({ path, percent }) => [path, percent]));
  return {
    group: ({ path, memory }) => {
      const resident = memory?.resident ?? 0;
      const sizes = [memory?.current ?? 0, resident, memory?.file ?? 0].map((size) =>
        cell(memoryWords(size), 6),
      );
      const shares = [(resident * 100) / totalmem(), byPath.get(path) ?? 0];
      return ` ${sizes.join('  ')} ${shares.map((share) => share.toFixed(1).padStart(5)).join(' ')}  `;
    },
    process: ' '.repeat(37),
  };
}

/** A group and all below it, a line each; cut to the width of a terminal. */
export function cgroupLines(root: Cgroup, columns: Columns, screen: Screen, title = root.path): string[] {
  const lines = [cut(columns.group(root) + title, 0, screen)];
  const below = (group: Cgroup, prefix: string): void => {
    // Threads of the kernel have no command line, and are not shown.
    const processes = group.processes.filter(({ command }) => command !== '');
    processes.forEach(({ pid, command }, i) => {
      const branch = i + 1 === processes.length && group.children.length === 0 ? '└─' : '├─';
      const start = `${columns.process}${prefix}${branch}`;
      lines.push(cut(start, 0, screen) + dim(cut(` ${pid} ${command}`, start.length, screen)));
    });
    group.children.forEach((child, i) => {
      const last = i + 1 === group.children.length;
      lines.push(cut(`${columns.group(child)}${prefix}${last ? '└─' : '├─'} ${child.name}/`, 0, screen));
      below(child, `${prefix}${last ? '   ' : '│  '}`);
    });
  };
  below(root, '');
  return lines;
}

function text(value: number | string | undefined): string {
  return value === undefined ? '' : String(value);
}

function limit(value: number | 'max' | undefined): string {
  return typeof value === 'number' ? memoryWords(value) : text(value);
}

/** As wide as that, to the left if it is negative; cut if it is longer. */
function cell(value: string, width: number): string {
  const size = Math.abs(width);
  return width < 0 ? value.slice(0, size).padEnd(size) : value.slice(0, size).padStart(size);
}
