/** The ways down, to sleep, and into another root. Each is asked for once and never again. */
import { FinitError, isFinitError } from '../errors.js';
import type { Runlevel } from '../protocol/service.js';
import { type CallOptions, connect, type PowerAction, type Transport } from '../transport/index.js';

/** What {@link poweroff}, {@link reboot}, {@link halt} and {@link suspend} take. */
export interface PowerOptions extends CallOptions {
  /**
   * In whole seconds, 1 to 2147483: when it has not come to its end after so long (a service does not stop, a disk hangs), finit cuts
   * it short and shuts down at once. Also after a `suspend`, when the machine is awake again. Default: never.
   */
  force?: number | undefined;
}

/** finit multiplies it by 1000 in an int (do_reboot() in src/api.c). */
const LONGEST_FORCE = Math.floor((2 ** 31 - 1) / 1000);

/**
 * Stops everything and powers the machine off. Fulfilled when finit has begun. Asked once, never again.
 * @throws {FinitError} `FINIT_REFUSED` when finit is already rebooting; `FINIT_CONNECTION_LOST` when it is not up yet (runlevel S,
 *   up to finit 4.14); `FINIT_INVALID_ARGUMENT`; or as every call: see {@link CallOptions}.
 */
export async function poweroff(options: PowerOptions = {}): Promise<void> {
  await goDown('poweroff', 0, options);
}

/** Stops everything and reboots the machine. As {@link poweroff}. */
export async function reboot(options: PowerOptions = {}): Promise<void> {
  await goDown('reboot', 6, options);
}

/** Stops everything and halts the machine, with its power on. As {@link poweroff}. */
export async function halt(options: PowerOptions = {}): Promise<void> {
  await goDown('halt', 0, options);
}

/**
 * Suspends the machine to RAM. Services go on running until it sleeps. finit answers when it is awake again, so that the time of the
 * sleep counts: give a `timeout` that outlasts it, or take FINIT_TIMEOUT for sleep.
 * @throws {FinitError} `FINIT_REFUSED` with finit's reason: the kernel cannot; or as every call: see {@link CallOptions}.
 */
export async function suspend(options: PowerOptions = {}): Promise<void> {
  await connect(options).power('suspend', checkForce(options.force), options);
}

/**
 * Leaves an initramfs: finit stops everything, moves to the new root and becomes its init. finit 4.16 and newer, in runlevel S or 1
 * only. Fulfilled when finit has accepted it; what goes wrong after that stands in its log.
 * @param newRoot - an absolute path to where the new root is mounted.
 * @param init - the program to become, as seen from the new root. Default: finit looks for one.
 * @throws {FinitError} `FINIT_UNSUPPORTED` before finit 4.16; `FINIT_INVALID_ARGUMENT`; `FINIT_REFUSED` in another runlevel; or as
 *   every call: see {@link CallOptions}.
 */
export async function switchRoot(newRoot: string, init = '', options: CallOptions = {}): Promise<void> {
  checkPath(newRoot, 'newRoot');
  if (init !== '') checkPath(init, 'init');
  const finit = connect(options);
  const { current } = await finit.runlevel(options);
  // do_switch_root() in src/api.c: only a warning in the log otherwise, and a connection that is closed.
  if (current !== 'S' && current !== 1)
    throw new FinitError(
      'FINIT_REFUSED',
      `finit switches to another root in runlevel S and 1 only, and is in ${current}`,
    );
  await finit.switchRoot(newRoot, init, options);
}

function checkPath(path: unknown, what: string): void {
  if (typeof path !== 'string' || !path.startsWith('/') || path.includes('\0'))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${what} is an absolute path, not ${JSON.stringify(path)}`,
    );
}

function checkForce(force = 0): number {
  if (force === 0 || (Number.isInteger(force) && force > 0 && force <= LONGEST_FORCE)) return force;
  throw new FinitError(
    'FINIT_INVALID_ARGUMENT',
    `force is a whole number of seconds from 1 to ${LONGEST_FORCE}, not ${force}`,
  );
}

async function goDown(action: PowerAction, level: 0 | 6, options: PowerOptions): Promise<void> {
  const force = checkForce(options.force);
  const finit = connect(options);
  try {
    await finit.power(action, force, options);
  } catch (error) {
    await goneOrThrow(error, level, finit, options);
  }
}

/**
 * A connection that was lost after the request had been sent means that finit is gone, which was wanted, or that finit is in S, 0 or
 * 6, where up to 4.14 it closes the connection without an answer. So ask for the runlevel, which it always answers.
 */
export async function goneOrThrow(
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
