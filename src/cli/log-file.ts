/** The system's log, searched as initctl does (do_log() in src/initctl.c): /var/log/syslog, or messages. */
import { createReadStream, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { finitRoot } from './root.js';

/** How much is read for the last lines, in bytes. */
const LARGEST_TAIL = 8 * 1024 * 1024;

/** The log file of the finit that is meant; undefined: none. */
export function logFile(): string | undefined {
  const root = finitRoot();
  if (root === undefined) return undefined;
  return ['syslog', 'messages'].map((name) => `${root}/var/log/${name}`).find((path) => existsSync(path));
}

/** Lines about a service: those that name it, or have its pid in brackets. */
const isAbout = (line: string, name: string, pid: number): boolean =>
  line.includes(`[${pid}]`) || line.includes(name);

/** The last lines about a service; none where there is no log that can be read. */
export async function tailOfLog(name: string, pid: number, count: number): Promise<string[]> {
  const path = logFile();
  if (path === undefined) return [];
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const start = Math.max(0, size - LARGEST_TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    if (start > 0) lines.shift();
    return lines.filter((line) => isAbout(line, name, pid)).slice(-count);
  } catch {
    return [];
  }
}

/** All lines about a service, oldest first. */
export async function* linesOfLog(path: string, name: string, pid: number): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(path) }))
    if (isAbout(line, name, pid)) yield line;
}
