/** What the files of a control group say: Linux's Documentation/admin-guide/cgroup-v2.rst. No I/O. */

/** `cpu.max`: at most `quota` of every `period`, both in µs. */
export interface CpuMax {
  quota: number | 'max';
  period: number;
}

/** A flat keyed file, `KEY VALUE` a line, as `cpu.stat` and `memory.stat` are. What is no such line is left out. */
export function parseKeyed(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^(\S+) (\d+)$/.exec(line) ?? [];
    if (key !== undefined) values.set(key, Number(value));
  }
  return values;
}

/** A single value: a number, or `max`; undefined for anything else. */
export function parseLimit(text: string | undefined): number | 'max' | undefined {
  const value = text?.trim();
  if (value === 'max') return value;
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** `cpu.max`; undefined for anything else. */
export function parseCpuMax(text: string | undefined): CpuMax | undefined {
  const [first, second, ...rest] = text?.trim().split(' ') ?? [];
  const quota = parseLimit(first);
  const period = parseLimit(second);
  if (quota === undefined || typeof period !== 'number' || rest.length > 0) return undefined;
  return { quota, period };
}

/** `cgroup.procs`. The kernel writes 0 for processes that the reader's pid namespace does not have: left out. */
export function parsePids(text: string): number[] {
  return text
    .split('\n')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}
