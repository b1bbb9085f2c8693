/** How it is with a service's main process, beyond what finit knows. */
import type { CallOptions } from '../transport/index.js';
import { procOf, readStat } from './process.js';
import type { ProcessLook } from './progress.js';
import type { Service } from './service.js';

/** Looks at one service's process again and again. */
export class ProcessWatch {
  readonly #proc: string | undefined;
  #pid: number | undefined;
  #since = 0;

  constructor(options: CallOptions) {
    this.#proc = procOf(options);
  }

  look(now: Service | undefined): ProcessLook {
    const pid = now?.effectiveState === 'running' ? now.pid : undefined;
    const alive = pid !== undefined && this.#isAlive(pid);
    if (!alive || pid !== this.#pid) this.#since = performance.now();
    this.#pid = alive ? pid : undefined;
    return { alive, seen: performance.now() - this.#since };
  }

  #isAlive(pid: number): boolean {
    const stat = this.#proc === undefined ? undefined : readStat(pid, this.#proc);
    // Perhaps this /proc is not the one that has it: finit has said that it runs.
    if (stat === undefined || this.#proc === undefined) return true;
    if (stat.state === 'Z' || stat.state === 'X') return false;
    // finit's child keeps finit's name until it runs the program.
    return stat.parent !== 1 || stat.name !== readStat(1, this.#proc)?.name;
  }
}
