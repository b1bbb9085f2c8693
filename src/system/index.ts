/**
 * The init system as a whole: runlevel, reload, and the ways down.
 */
import { FinitError, isFinitError } from '../errors.js';
import { type Runlevel, runlevelOf } from '../protocol/service.js';
import { type CallOptions, connect, type Transport } from '../transport/index.js';

export type { Runlevel } from '../protocol/service.js';

/** What {@link runlevel} gives. */
export interface RunlevelState {
  current: Runlevel;
  /** Absent while there has been none. finit's `initctl` shows N for that, and for S and 0. */
  previous?: Runlevel;
}

/**
 * The runlevel that finit is in, and the one before.
 * @throws {FinitError} `FINIT_BAD_REPLY` for a runlevel that does not exist, or as every call: see {@link CallOptions}.
 */
export async function runlevel(options: CallOptions = {}): Promise<RunlevelState> {
  return await askRunlevel(connect(options), options);
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
  const { current } = await askRunlevel(finit, options);
  if (current === 0 || current === 6)
    throw new FinitError(
      'FINIT_REFUSED',
      `finit is going down (runlevel ${current}) and takes no other runlevel`,
    );
  const request = finit.request('setRunlevel', { runlevel: character.charCodeAt(0) }, options);
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
  await connect(options).request('reload', {}, options);
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
    // ACK or NACK: do_reboot() in src/api.c begins with `int rc = 1` and leaves it so, hence all of 4.x say no and do it.
    await finit.requestEach([{ command }], options);
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
    current = (await askRunlevel(finit, options)).current;
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

async function askRunlevel(finit: Transport, options: CallOptions): Promise<RunlevelState> {
  const answer = await finit.request('getRunlevel', {}, options);
  const current = runlevelOf(answer.runlevel);
  if (current === undefined)
    throw new FinitError(
      'FINIT_BAD_REPLY',
      `finit says that it is in runlevel ${answer.runlevel}, which does not exist`,
    );
  const previous = runlevelOf(answer.sleeptime);
  return previous === undefined ? { current } : { current, previous };
}
