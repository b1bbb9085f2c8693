/** Numbers as finit's initctl says them (src/util.c and src/initctl.c, 4.12 – 4.17). */
import { constants } from 'node:os';
import type { ProcessExit } from '../services/index.js';

/** exitcodes[] in src/util.c. */
const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'FAILURE',
  2: 'INVALIDARGUMENT',
  3: 'NOTIMPLEMENTED',
  4: 'NOPERMISSION',
  5: 'NOTINSTALLED',
  6: 'NOTCONFIGURED',
  7: 'NOTRUNNING',
  64: 'USAGE',
  65: 'DATAERR',
  66: 'NOINPUT',
  67: 'NOUSER',
  68: 'NOHOST',
  69: 'UNAVAILABLE',
  70: 'SOFTWARE',
  71: 'OSERR',
  72: 'OSFILE',
  73: 'CANTCREAT',
  74: 'IOERR',
  75: 'TEMPFAIL',
  76: 'PROTOCOL',
  77: 'NOPERM',
  78: 'CONFIG',
};

/** The number of a signal as Node or this package names it: SIGTERM, SIG34. */
export function signalNumber(name: string): number {
  const { signals } = constants;
  return signals[name as NodeJS.Signals] ?? Number(name.slice('SIG'.length));
}

/** How a process ended, ` (code=exited, status=1/FAILURE)`: exit_status(). */
export function exitWords(exit: ProcessExit, manual: boolean): string {
  if ('code' in exit) {
    const word = EXIT_CODES[exit.code];
    return ` (code=exited, status=${exit.code}${word ? `/${word}` : ''}${manual ? ', manual=yes' : ''})`;
  }
  const number = signalNumber(exit.signal);
  return ` (code=signal, status=${number}${number < 32 ? `/${exit.signal.slice('SIG'.length)}` : ''})`;
}

/** Seconds in words, `1 hour 2 sec`: uptime(). Nothing for 0. */
export function uptimeWords(seconds: number): string {
  const units: [string, number][] = [
    ['year', 31_556_926],
    ['day', 86_400],
    ['hour', 3600],
    ['min', 60],
    ['sec', 1],
  ];
  let text = '';
  let rest = seconds;
  for (const [name, length] of units) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count > 0) text += name === 'sec' ? `${count} sec` : `${count} ${name} `;
  }
  return text;
}

/** Bytes, `1.5M`: memsz(), its way of counting tenths kept. */
export function memoryWords(bytes: number): string {
  if (bytes === 0) return '--.--';
  const [giga, mega, kilo] = [2 ** 30, 2 ** 20, 2 ** 10];
  const part = (unit: number, below: number): string =>
    `${Math.floor(bytes / unit)}.${Math.floor(Math.floor((bytes % unit) / below) / 102)}`;
  if (bytes >= giga) return `${part(giga, mega)}G`;
  if (bytes >= mega) return `${part(mega, kilo)}M`;
  return `${part(kilo, 1)}k`;
}
