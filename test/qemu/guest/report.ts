/** In the machine: what is told to the one who watches, on the second serial port. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../machine.js';

const PORT = '/dev/ttyS1';
/** Where busybox's syslogd writes it down. */
export const LOG = '/tmp/messages';

/** What is put on the console when a scenario fails, which is shown then. */
const EVIDENCE = {
  services: ['initctl', '-p', 'status'],
  'its log': ['tail', '-n', '25', LOG],
} as const;

/** In seconds. */
export const uptime = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);

const report = (what: Omit<Report, 'at'>): void =>
  appendFileSync(PORT, `${JSON.stringify({ at: uptime(), ...what })}\n`);

/** Something was found to be so. */
export const step = (text: string): void => report({ step: text });

/** Tells that the program's part is over. */
export const done = (): void => report({ done: true });

/** Looks until something is so. The machine's time does not depend on how busy its host is. */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = uptime() + 60; ; await sleep(100)) {
    const found = await look();
    if (found) return found;
    if (uptime() > end) throw new Error(`it did not come to this: ${what}`);
  }
}

/** Tells once a second that the machine lives, for so many seconds; they are counted on the machine's clock. */
export async function live(seconds: number): Promise<void> {
  for (const end = uptime() + seconds; uptime() < end; await sleep(1000)) report({ tick: true });
}

/** The machine is to be reset now, and is not. */
export async function awaitReset(): Promise<void> {
  done();
  await live(150);
  throw new Error('the watchdog has not reset the machine within 150 s');
}

/** Runs a program's part; what it throws is reported. */
export async function story(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    for (const [what, argv] of Object.entries(EVIDENCE)) {
      const { stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
      appendFileSync('/dev/console', `\n${what}:\n${stdout}${stderr}`);
    }
    report({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
