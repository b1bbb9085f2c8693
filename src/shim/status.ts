/** Reading what shims have written down. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseShimStatus, type ShimStatus, shimStatusFile } from '../protocol/shim-status.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';

/** Where the status files are. */
export interface ShimStatusOptions extends FinitOptions {
  /** The shims' `--status-dir`. Default: `node-finit/shim` beside finit's run directory, which is /run/node-finit/shim. */
  dir?: string | undefined;
}

/** Longer than any shim writes. */
const LONGEST = 65536;

/**
 * What the shim of a service has last written.
 *
 * Of a service whose shim was killed it is as old as that: compare `shim.pid` with the service's pid, as `services.get()` does.
 * @param identity - the shim's `--identity`
 * @returns undefined: there is no such file, it cannot be read, or it is none of a shim's
 */
export function readShimStatus(identity: string, options: ShimStatusOptions = {}): ShimStatus | undefined {
  return read(join(directory(options), shimStatusFile(identity)));
}

function directory({ dir, ...options }: ShimStatusOptions): string {
  return dir ?? join(dirname(resolveRunDir(options)), 'node-finit/shim');
}

function read(file: string): ShimStatus | undefined {
  try {
    if (statSync(file).size > LONGEST) return undefined;
    return parseShimStatus(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** For so long, in milliseconds, a machine without shims is taken to have none. */
const NONE_FOR = 250;
const none = new Map<string, number>();

/** The statuses of many services, read when they are needed. */
export class ShimStatuses {
  readonly #dir: string;
  #absent: boolean;
  #byPid: Map<number, ShimStatus> | undefined;

  constructor(options: ShimStatusOptions = {}) {
    this.#dir = directory(options);
    const now = performance.now();
    const since = none.get(this.#dir) ?? Number.NEGATIVE_INFINITY;
    this.#absent = now - since < NONE_FOR;
    if (this.#absent || statSync(this.#dir, { throwIfNoEntry: false })?.isDirectory()) return;
    this.#absent = true;
    if (none.size > 100) none.clear();
    none.set(this.#dir, now);
  }

  /**
   * The status that belongs to a service as finit has it: that of its process, or, when it has none, of the one that ended last.
   * @param identity - finit's
   * @param pid - finit's; undefined without a process
   */
  of(identity: string, pid: number | undefined): ShimStatus | undefined {
    if (this.#absent) return undefined;
    const own = read(join(this.#dir, shimStatusFile(identity)));
    if (pid === undefined) return own?.state === 'exited' ? own : undefined;
    return own?.shim.pid === pid ? own : this.#find(pid);
  }

  /** Shims without `--identity` do not know their service's. */
  #find(pid: number): ShimStatus | undefined {
    if (this.#byPid === undefined) {
      this.#byPid = new Map();
      for (const file of names(this.#dir)) {
        const status = read(join(this.#dir, file));
        if (status && status.state !== 'exited') this.#byPid.set(status.shim.pid, status);
      }
    }
    return this.#byPid.get(pid);
  }
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir).filter((file) => file.endsWith('.json') && !file.startsWith('.'));
  } catch {
    return [];
  }
}
