/** The watchdog of the supervisor that has started this process: WATCHDOG_USEC and WATCHDOG_PID, sd_watchdog_enabled(3). */
import * as notify from '../notify/index.js';
import type { WatchdogTarget } from './types.js';

/** UINT64_MAX: systemd's "infinity". */
const NEVER = 2n ** 64n - 1n;

/**
 * Whether, and within how many milliseconds, this process's supervisor waits for pings. Set by finit-shim (`--watchdog`) and systemd
 * (WatchdogSec=); finit itself has no watchdog for services.
 * @returns undefined: it does not; also for 0 and for what is no number of microseconds, and when WATCHDOG_PID names another process.
 */
export function enabled(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_USEC === undefined || !/^[0-9]{1,20}$/.test(WATCHDOG_USEC)) return undefined;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== '' && WATCHDOG_PID !== String(process.pid))
    return undefined;
  const usec = BigInt(WATCHDOG_USEC);
  return usec > 0n && usec < NEVER ? Number(usec) / 1000 : undefined;
}

/** The supervisor of this process, by its notify socket: systemd, finit-shim. */
export function notifyTarget(): WatchdogTarget {
  return {
    name: 'the supervisor',
    timeout: enabled() ?? Number.POSITIVE_INFINITY,
    ping: () => notify.watchdog(),
    trigger: () => notify.watchdogTrigger(),
    disarm: () => notify.watchdogTimeout(0),
  };
}
