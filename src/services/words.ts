/** Small pieces of messages. No I/O. */
import type { ProcessExit } from '../protocol/service.js';

/** How a process ended, to go on "ended". */
export function how(exit: ProcessExit | undefined): string {
  if (exit === undefined) return '';
  return 'code' in exit ? ` with status ${exit.code}` : `, killed by ${exit.signal}`;
}

/** What finit-shim means by its own exit statuses, as the end of a message; nothing for others. */
export function shimWords({ command, exit }: { command: string; exit?: ProcessExit | undefined }): string {
  if (exit === undefined || !('code' in exit) || !/(^|\/)finit-shim$/.test(command)) return '';
  const words: Record<number, string> = {
    64: 'finit-shim does not take its options',
    70: 'finit-shim itself failed',
    126: 'finit-shim cannot run its program',
    127: 'finit-shim does not find its program',
  };
  const said = words[exit.code];
  return said === undefined ? '' : ` (${said}: what the service logs says why)`;
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
