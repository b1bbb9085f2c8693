import { readSync } from 'node:fs';
import { writeError } from './output.js';

const LINE_FEED = 10;

/** Asks on the terminal, or whoever is at the other end of stdin. Anything but a yes is a no. */
export function asksYes(question: string): boolean {
  writeError(question);
  return /^\s*y/i.test(readLine());
}

/** The first line of stdin. Byte by byte: what follows is not ours. */
function readLine(): string {
  const byte = Buffer.alloc(1);
  const line: number[] = [];
  try {
    while (readSync(0, byte) === 1 && byte[0] !== LINE_FEED) line.push(byte[0] ?? 0);
  } catch {
    // No stdin, or one that would have to be waited for: no answer.
  }
  return Buffer.from(line).toString();
}
