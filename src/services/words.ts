/** Small pieces of messages. No I/O. */
import type { ProcessExit } from '../protocol/service.js';

/** How a process ended, to go on "ended". */
export function how(exit: ProcessExit | undefined): string {
  if (exit === undefined) return '';
  return 'code' in exit ? ` with status ${exit.code}` : `, killed by ${exit.signal}`;
}

/** E.g. `42 s`, `5 min`, `3 h 20 min`, `2 d 4 h`. @param seconds - whole */
export function durationWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
