/**
 * The init system as a whole: runlevel, reload, and the ways down.
 */
import { FinitError, isFinitError } from '../errors.js';
import type { Runlevel } from '../protocol/service.js';
import { type CallOptions, connect, type RunlevelState, type Transport } from '../transport/index.js';

export type { Runlevel } from '../protocol/service.js';
export type { RunlevelState } from '../transport/index.js';

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
 * Stops everything and powers the machine off. Fulfilled when finit has begun. Asked once, never again.
 * @throws {FinitError} `FINIT_REFUSED` when finit is already rebooting; `FINIT_CONNECTION_LOST` when it is not up yet (runlevel S,
 *   up to finit 4.14); or as every call: see {@link CallOptions}.
 */
export async function poweroff(options: CallOptions = {}): Promise<void> {
  await goDown('poweroff', 0, options);
}

/** Stops everything and reboots the machine. As {@link poweroff}. */
export async function reboot(options: CallOptions = {}): Promise<void> {
  await goDown('reboot', 6, options);
}

/** Stops everything and halts the machine, with its power on. As {@link poweroff}. */
export async function halt(options: CallOptions = {}): Promise<void> {
  await goDown('halt', 0, options);
}

async function goDown(
  command: 'poweroff' | 'reboot' | 'halt',
  level: 0 | 6,
  options: CallOptions,
): Promise<void> {
  const finit = connect(options);
  try {
    await finit.power(command, 0, options);
  } catch (error) {
    await goneOrThrow(error, level, finit, options);
  }
}

/**
 * A connection that was lost after the request had been sent means that finit is gone, which was wanted, or that finit is in S, 0 or
 * 6, where up to 4.14 it closes the connection without an answer. So ask for the runlevel, which it always answers.
 */
async function goneOrThrow(
  error: unknown,
  level: 0 | 6,
  finit: Transport,
  options: CallOptions,
): Promise<void> {
  if (!isFinitError(error, 'FINIT_CONNECTION_LOST')) throw error;
  let current: Runlevel;
  try {
    current = (await finit.runlevel(options)).current;
  } catch (second) {
    if (isFinitError(second, 'FINIT_NOT_RUNNING') || isFinitError(second, 'FINIT_CONNECTION_LOST')) return;
    throw error;
  }
  if (current === level) return;
  if (current === 0 || current === 6)
    throw new FinitError('FINIT_REFUSED', `finit is already going down, to runlevel ${current}`, {
      cause: error,
    });
  throw error;
}
