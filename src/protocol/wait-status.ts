/**
 * waitpid()'s status, as Linux has it on every architecture.
 */
import { constants } from 'node:os';
import type { ProcessExit } from './service.js';

/** How a process ended; undefined for a status that is not an end (stopped, continued). */
export function decodeWaitStatus(status: number): ProcessExit | undefined {
  const signal = status & 0x7f;
  if (signal === 0) return { code: (status >> 8) & 0xff };
  return signal === 0x7f ? undefined : { signal: signalName(signal) };
}

function signalName(number: number): string {
  // SIGIOT and SIGPOLL are second names that come later in the list.
  const named = Object.entries(constants.signals).find(([, value]) => value === number);
  return named ? named[0] : `SIG${number}`;
}
