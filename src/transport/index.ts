/**
 * The ways to the init system, behind one interface, and which of them is there.
 */
import { statSync } from 'node:fs';
import { FinitError } from '../errors.js';
import type { BusSignal } from '../protocol/bus-signals.js';
import { resolveRunDir } from '../run-dir.js';
import { checkSignal } from '../signal.js';
import { AutoTransport } from './auto.js';
import { busPath, connectBus } from './bus.js';
import { connectControlSocket } from './control-socket.js';
import { connectInitctl } from './initctl.js';
import type { CallOptions, Transport, TransportKind } from './types.js';

export type { BusSignal } from '../protocol/bus-signals.js';
/** How long PID 1 may take, unless the caller says otherwise, in milliseconds. */
export { DEFAULT_TIMEOUT, Deadline } from './limits.js';
export type {
  CallOptions,
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  TransportKind,
  WaitOptions,
} from './types.js';

const ways: Record<TransportKind, (options: CallOptions) => Transport> = {
  socket: connectControlSocket,
  bus: connectBus,
  initctl: connectInitctl,
};

/**
 * The way to the finit that these options mean. Does nothing yet: a finit that is not there is found out by the first call.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a transport that does not exist.
 */
export function connect(options: CallOptions = {}): Transport {
  checkSignal(options.signal);
  const asked = wanted(options);
  if (asked === 'auto') return automatic(options);
  if (!Object.hasOwn(ways, asked))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `No transport ${asked}: there are auto, ${Object.keys(ways).join(', ')} (option transport, or FINIT_TRANSPORT)`,
    );
  return ways[asked as TransportKind](options);
}

function wanted({ transport }: CallOptions): string {
  return transport ?? (process.env.FINIT_TRANSPORT || 'auto');
}

/** For so long, in milliseconds, what ways there are is taken to stay. */
const SAME_WAYS = 100;
/** More run directories than this are not used at a time. */
const MOST_KEPT = 16;
const kept = new Map<string, { way: Transport; bus: boolean; at: number }>();

/** The ways hold nothing of a call, so that they are for all calls to a finit. Looking for a bus takes a tenth of a call's time. */
function automatic(options: CallOptions): Transport {
  const runDir = resolveRunDir(options);
  const found = kept.get(runDir);
  const now = Date.now();
  if (found !== undefined && now >= found.at && now - found.at < SAME_WAYS) return found.way;
  const bus = hasBus({ runDir });
  if (found?.bus === bus) {
    found.at = now;
    return found.way;
  }
  const where = { runDir };
  const ways = [connectControlSocket(where), connectInitctl(where)] as const;
  const way = bus ? new AutoTransport(connectBus(where), ...ways) : new AutoTransport(...ways);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(runDir, { way, bus, at: now });
  return way;
}

/** Whether there is a bus, at first sight: a finit that has gone leaves its socket. */
function hasBus(options: CallOptions): boolean {
  try {
    return statSync(busPath(options), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Has finit 4 (and 5, by its old socket) end its own watchdogd, and take this process, which has to be one of its services, for the watchdog.
 * finit says yes to that whether or not there was anything to be done.
 * @throws {FinitError} as all of {@link Transport}
 */
export async function giveWatchdogTo(pid: number, options: CallOptions = {}): Promise<void> {
  await connectControlSocket(options).giveWatchdogTo(pid, options);
}

/**
 * The signals of finit 5, until `signal` fires or the iteration is left. Begins with `resync`, and with every further `resync` something
 * may have been missed: state is truth, signals are hints. What is not read in time is folded into a `resync`.
 * @throws {FinitError} from the iteration, when there is no bus to begin with: `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`,
 *   `FINIT_UNSUPPORTED` when another transport was asked for, `FINIT_BUSY`, `FINIT_TIMEOUT`, `FINIT_BAD_REPLY`, `FINIT_SYSTEM`. Once it
 *   has been there it is waited for, should it go.
 */
export async function* watchBus(
  options: Pick<CallOptions, 'runDir' | 'signal' | 'transport'> = {},
): AsyncGenerator<BusSignal, void, undefined> {
  const asked = wanted(options);
  if (asked !== 'auto' && asked !== 'bus')
    throw new FinitError('FINIT_UNSUPPORTED', `Transport ${asked}, which was asked for, has no signals`);
  if (!hasBus(options))
    throw new FinitError('FINIT_NOT_RUNNING', `There is no ${busPath(options)}: only finit 5 has a bus`, {
      path: busPath(options),
    });
  const { watchBusAt } = await import('./bus-watch.js');
  yield* watchBusAt(busPath(options), options.signal);
}
