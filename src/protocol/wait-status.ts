/**
 * waitpid()'s status, as Linux has it on every architecture.
 */
import type { ProcessExit } from './service.js';
import { signalName } from './signals.js';

/** How a process ended; undefined for a status that is not an end (stopped, continued). */
export function decodeWaitStatus(status: number): ProcessExit | undefined {
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff };
  return signal === 0x7f ? undefined : { signal: signalName(signal) };
}
