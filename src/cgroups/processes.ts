/** Processes, as /proc has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process in a control group. */
export interface CgroupProcess {
  /** In finit's pid namespace, as everywhere in this package. */
  pid: number;
  /** The kernel's name for it, at most 15 bytes. */
  name: string;
  /** Its command line, arguments separated by blanks; `''` for a thread of the kernel, or one that has ended and not been collected. */
  command: string;
  /** Identity of the service that it belongs to. Absent: none, or not known. */
  service?: string;
}

/** A process with its place among the others. */
export interface FoundProcess extends CgroupProcess {
  /** Parent, in finit's pid namespace; 0: none in it. */
  parent: number;
}

/** How deep finit's pid namespace is below that of `proc`: 0 for the same. */
export function namespaceDepth(proc: string, finit: number): number {
  const pids = namespacePids(statusOf(proc, finit) ?? '');
  return Math.max(0, pids.length - 1);
}

/**
 * A process by its pid in the namespace of `proc`.
 * @returns undefined for one that has ended, or is not in finit's pid namespace
 */
export function readProcess(proc: string, outer: number, depth: number): FoundProcess | undefined {
  const status = statusOf(proc, outer);
  if (status === undefined) return undefined;
  const pid = namespacePids(status)[depth] ?? (depth === 0 ? outer : undefined);
  if (pid === undefined) return undefined;
  const outerParent = Number(field(status, 'PPid') ?? 0);
  return {
    pid,
    name: field(status, 'Name') ?? '',
    command: commandOf(proc, outer),
    parent: depth === 0 ? outerParent : (namespacePids(statusOf(proc, outerParent) ?? '')[depth] ?? 0),
  };
}

function statusOf(proc: string, pid: number): string | undefined {
  return pid > 0 ? readText(join(proc, String(pid), 'status')) : undefined;
}

/** NSpid: its pids from the namespace of the reader inwards. */
function namespacePids(status: string): number[] {
  return (field(status, 'NSpid') ?? '').split('\t').filter(Boolean).map(Number);
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\t(.*)$`, 'm').exec(status)?.[1];
}

function commandOf(proc: string, pid: number): string {
  const line = readText(join(proc, String(pid), 'cmdline')) ?? '';
  return line.replace(/\0+$/, '').replaceAll('\0', ' ');
}

/** undefined for what is not there, or no longer. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // ENODEV: a group that was removed after the file had been opened; ESRCH: the same of a process. EOPNOTSUPP: a threaded group.
    if (['ENOENT', 'ENOTDIR', 'ENODEV', 'ESRCH', 'EOPNOTSUPP', 'EACCES', 'EPERM'].includes(code))
      return undefined;
    throw error;
  }
}
