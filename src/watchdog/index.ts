/**
 * Signs of life: to this process's supervisor (systemd, finit-shim), to watchdogd's supervisor, or to the system's watchdog itself.
 */
import * as notify from '../notify/index.js';

export {
  type SystemWatchdog,
  type SystemWatchdogOptions,
  systemWatchdog,
  type WatchdogFlag,
} from './device.js';
export { enabled, notifyTarget } from './enabled.js';
export { type Skipped, start, type Watchdog, type WatchdogOptions } from './pinger.js';
export type { PingResult, WatchdogTarget } from './types.js';
export { type WatchdogdOptions, type WatchdogdTarget, watchdogd } from './watchdogd.js';

/** Has this process's supervisor act at once, as if a ping had been missed: "kill me now". For others: {@link WatchdogTarget}. */
export function trigger(options?: notify.NotifyOptions): notify.NotifyResult {
  return notify.watchdogTrigger(options);
}
