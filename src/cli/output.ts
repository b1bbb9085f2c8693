/**
 * Writing to stdout and stderr, at once: process.stdout costs some milliseconds to set up, a tenth of a `node-finit status`.
 */
import { fstatSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

/** Writes text to stdout. */
export function write(text: string): void {
  writeAll(1, text);
}

/** Writes lines to stdout. */
export function print(...lines: string[]): void {
  if (lines.length > 0) write(`${lines.join('\n')}\n`);
}

/** Writes text to stderr. */
export function writeError(text: string): void {
  writeAll(2, text);
}

/** Writes a message to stderr, with the program's name in front. */
export function warn(message: string): void {
  writeAll(2, `${programName()}: ${message}\n`);
}

/** What it was called as: `node-finit`, or `initctl` where that is a link to it. */
export function programName(): string {
  const name = basename(process.argv[1] ?? '');
  return name === 'initctl' ? name : 'node-finit';
}

function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0)
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The reader has gone (node-finit watch … | head): that is an end, not an error.
      if (code === 'EPIPE') process.exit();
      // A pipe that somebody has made non-blocking, and that is full.
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      else if (fd === 2) return;
      else throw error;
    }
}

/** Whether a descriptor is a terminal. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    // Asked first, as the streams of `process` are slow to make: /dev/null and its like, with major number 1, are none either.
    const stat = fstatSync(fd);
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === 1) return false;
  } catch {
    return false;
  }
  const name = (['stdin', 'stdout', 'stderr'] as const)[fd];
  return process[name].isTTY === true;
}

/** What output has to fit. */
export interface Screen {
  /** stdout is a terminal: colours, and lines cut to its width. */
  terminal: boolean;
  columns: number;
  rows: number;
}

/**
 * The terminal's size, or as initctl has it (ttinit() in src/util.c): COLUMNS and LINES where stdout is none, 80 to 24 with `--batch`.
 */
export function screen({ batch = false } = {}): Screen {
  const terminal = isTerminal(1);
  const size = (name: string, instead: number): number => {
    const value = Number.parseInt(process.env[name] ?? '', 10);
    return value > 0 ? value : instead;
  };
  if (batch) return { terminal, columns: 80, rows: 24 };
  if (terminal) return { terminal, columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  return { terminal, columns: size('COLUMNS', 80), rows: size('LINES', 24) };
}
