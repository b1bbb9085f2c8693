/** In the machine: the truth about its watchdogs, as the kernel has it, and about its services. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import * as conditions from '#src/conditions/index.js';
import * as services from '#src/services/index.js';
import { eventually, LOG } from './report.js';

/** Linux's Documentation/ABI/testing/sysfs-class-watchdog. */
export const kernel = (name: string, watchdog = 'watchdog0'): string =>
  readFileSync(`/sys/class/watchdog/${watchdog}/${name}`, 'utf8').trim();

/** Who has /dev/watchdog open: pids and command lines. */
export function holders(): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && filesOf(name).some((file) => /^\/dev\/watchdog0?$/.test(file)))
    .map((pid) => ({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }));
}

/** What a process has open; nothing, if it is gone. */
function filesOf(pid: string): string[] {
  const fds = orElse([], () => readdirSync(`/proc/${pid}/fd`));
  return fds.map((fd) => orElse('', () => readlinkSync(`/proc/${pid}/fd/${fd}`)));
}

const read = (file: string): string => orElse('', () => readFileSync(file, 'utf8'));

function orElse<T>(value: T, ask: () => T): T {
  try {
    return ask();
  } catch {
    return value;
  }
}

/** finit's own watchdogd has it. */
export const finitsOwn = () =>
  eventually('the watchdogd of finit has /dev/watchdog', () =>
    holders().find(({ command }) => command.startsWith('@finit-watchdog')),
  );

/** finit's `initctl`. */
export function initctl(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('initctl', ['-p', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`initctl ${args.join(' ')}: ${status}, ${stdout}${stderr}`);
  return stdout;
}

/**
 * Puts the example's stanza into finit.d: as a file of the name that is documented, which hides that of finit's own watchdogd, or of
 * another.
 */
export function installExample(name = 'watchdogd.conf'): void {
  copyFileSync('/srv/watchdogd/watchdogd.conf', `/etc/finit.d/${name}`);
  initctl('reload');
}

/** The example's process, when it is ready and has the device; not the one with this pid. */
export const exampleAtWork = (not?: number): Promise<number> =>
  eventually('the example is ready and has /dev/watchdog', async () => {
    const { pid } = (await services.list()).find(({ identity }) => identity === 'watchdogd') ?? {};
    if (pid === undefined || pid === not || (await conditions.get('service/watchdogd/ready')) !== 'on')
      return undefined;
    return holders().some((holder) => holder.pid === pid) ? pid : undefined;
  });

/** What finit's own watchdogd is to finit: `running`, `stopped`; undefined when finit has none. */
export const finitsOwnState = async (): Promise<string | undefined> =>
  (await services.list()).find(({ identity }) => identity === 'watchdog:finit')?.state;

/** What was logged. */
export const log = (): string => readFileSync(LOG, 'utf8');
