/** The status file of finit-shim (native/shim/status.c), version 1. */

/** How a service behind finit-shim is, as its shim has last written it down. */
export interface ShimStatus {
  /** `--identity`, or `pid-<pid>`. */
  identity: string;
  /** The shim itself: what finit takes for the service's process. `start`: clock ticks since boot, as in /proc/PID/stat. */
  shim: { pid: number; start: number };
  /** The service's main process, since when (milliseconds, Date.now()); null while there is none. */
  main: { pid: number; since: number } | null;
  state: 'starting' | 'ready' | 'reloading' | 'stopping' | 'restarting' | 'aborting' | 'exited';
  /** The service has said READY=1, and not taken it back since. */
  ready: boolean;
  /** Since when it is in this state, in milliseconds, as Date.now(). */
  since: number;
  /** Its last STATUS=, '' without. */
  status: string;
  /** Its last ERRNO=, 0 without. */
  errno: number;
  /**
   * Its watchdog, null without. `timeout` in milliseconds; `deadline`: by when it has to ping (milliseconds, as Date.now(); at most a
   * quarter of a second old), null while it need not; `margin`: the least time in milliseconds that was ever left at a ping, null
   * before the second; `missed`: how often it did not.
   */
  watchdog: { timeout: number; deadline: number | null; margin: number | null; missed: number } | null;
  /** How often the shim has restarted it (`--keep-alive`, `--reload-restart`). */
  restarts: number;
  /** How many descriptors it has stored. */
  fdstore: number;
  /** What the shim listens on for it, as on its command line. */
  listen: string[];
  /** How it ended; null while it has not. */
  exit: { code: number } | { signal: string } | null;
}

const STATES: readonly string[] = [
  'starting',
  'ready',
  'reloading',
  'stopping',
  'restarting',
  'aborting',
  'exited',
];

type Check = (value: unknown) => boolean;
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === 'string';
const nullOr =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(
      ([name, check]) => Object.hasOwn(value, name) && check((value as Record<string, unknown>)[name]),
    );

const isStatus = shape({
  version: (value) => value === 1,
  identity: text,
  shim: shape({ pid: count, start: count }),
  main: nullOr(shape({ pid: count, since: count })),
  state: (value) => STATES.includes(value as string),
  ready: (value) => typeof value === 'boolean',
  since: count,
  status: text,
  errno: count,
  watchdog: nullOr(shape({ timeout: count, deadline: nullOr(count), margin: nullOr(count), missed: count })),
  restarts: count,
  fdstore: count,
  listen: (value) => Array.isArray(value) && value.every(text),
  exit: nullOr((value) => shape({ code: count })(value) || shape({ signal: text })(value)),
});

/** What a status file says; undefined when it is no such file, or of another version. */
export function parseShimStatus(json: string): ShimStatus | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!isStatus(value)) return undefined;
  const { version: _, ...status } = value as ShimStatus & { version: number };
  return status;
}

/** The name of the file that a service's shim writes: '/' and what would hide it are '_'. */
export function shimStatusFile(identity: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: native/shim/status.c takes them out too
  return `${identity.replace(/[/\x00-\x1f]/g, '_').replace(/^\./, '_')}.json`;
}
