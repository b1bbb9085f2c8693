/**
 * The init system as a whole: runlevel, reload, and the ways down.
 */
import { FinitError } from '../errors.js';
import type { Runlevel } from '../protocol/service.js';
import { type CallOptions, connect, Deadline, type RunlevelState } from '../transport/index.js';
import { goneOrThrow } from './power.js';

export type { Runlevel } from '../protocol/service.js';
export type { CallOptions, RunlevelState, TransportKind } from '../transport/index.js';
export { info, type SystemInfo } from './info.js';
export { halt, type PowerOptions, poweroff, reboot, suspend, switchRoot } from './power.js';

/**
 * The runlevel that finit is in, and the one before.
 * @throws {FinitError} `FINIT_BAD_REPLY` for a runlevel that does not exist, or as every call: see {@link CallOptions}.
 */
export async function runlevel(options: CallOptions = {}): Promise<RunlevelState> {
  return await connect(options).runlevel(options);
}

/**
 * Makes finit change the runlevel. Fulfilled when finit has accepted it: it first stops what is not in the new one. While finit
 * is still in S, this sets the one that it goes to next. 0 powers off and 6 reboots, as {@link poweroff} and {@link reboot} do.
 * @param level - S means 1 to finit (api_cb() in src/api.c): the single user mode.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`; `FINIT_REFUSED` when finit is going down (it says yes, and ignores it); or as
 *   every call: see {@link CallOptions}.
 */
export async function setRunlevel(level: Runlevel, options: CallOptions = {}): Promise<void> {
  const character = String(level);
  if (!/^[S0-9]$/.test(character))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `A runlevel is 0 to 9 or 'S', not ${JSON.stringify(level)}`,
    );
  const finit = connect(options);
  const { current } = await finit.runlevel(options);
  if (current === 0 || current === 6)
    throw new FinitError(
      'FINIT_REFUSED',
      `finit is going down (runlevel ${current}) and takes no other runlevel`,
    );
  const request = finit.setRunlevel(level, options);
  if (level === 0 || level === 6) await request.catch((error) => goneOrThrow(error, level, finit, options));
  else await request;
}

/**
 * Makes finit read its configuration again: stanzas that are new or have changed are started anew, those that are gone
 * are stopped. Fulfilled when finit has accepted it.
 * @throws {FinitError} `FINIT_CONNECTION_LOST` (up to finit 4.14 also when in runlevel S, 0 or 6), or as every call: see
 *   {@link CallOptions}.
 */
export async function reload(options: CallOptions = {}): Promise<void> {
  await connect(options).reload(options);
}

/**
 * Turns finit's debug messages on, or off again: they go to the console and the system's log.
 * @throws {FinitError} as every call: see {@link CallOptions}.
 */
export async function debug(options: CallOptions = {}): Promise<void> {
  await connect(options).toggleDebug(options);
}

/** A plugin of finit's own, a shared object in PID 1. */
export interface FinitPlugin {
  name: string;
  /** Names of the plugins that it needs. */
  dependencies: string[];
}

/**
 * The plugins that finit has loaded, in its order. Of a list longer than 367 characters finit tells the beginning (plugin_list() in
 * src/plugin.c), the last name may be cut then.
 * @throws {FinitError} `FINIT_UNSUPPORTED` before finit 4.4, or as every call: see {@link CallOptions}.
 */
export async function plugins(options: CallOptions = {}): Promise<FinitPlugin[]> {
  const finit = connect(options);
  const deadline = new Deadline(options.timeout);
  const found: FinitPlugin[] = [];
  for (const name of await finit.plugins(options)) {
    const dependencies = await finit.pluginDependencies(name, { ...options, timeout: deadline.left || 1 });
    found.push({ name, dependencies });
  }
  return found;
}
