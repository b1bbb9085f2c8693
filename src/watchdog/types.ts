import type { FinitError } from '../errors.js';
import type { NotifyResult } from '../notify/index.js';

/** What became of a ping. */
export type PingResult = NotifyResult | { outcome: 'sent' } | { outcome: 'failed'; error: FinitError };

/** Who waits for pings: {@link notifyTarget}, {@link watchdogd}, {@link systemWatchdog}, or what does as they do. */
export interface WatchdogTarget {
  /** For messages. */
  readonly name: string;
  /** Within how many milliseconds a ping has to follow another; Infinity: not at all. */
  readonly timeout: number;
  /** Says that all is well. Does not throw. */
  ping(): PingResult | Promise<PingResult>;
  /** Has it act at once, as if a ping had been missed. */
  trigger(): PingResult | Promise<PingResult>;
  /** It waits for no more pings, and acts on none that is missing. Idempotent. */
  disarm(): PingResult | Promise<PingResult>;
}
