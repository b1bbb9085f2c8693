/**
 * The ways to the init system, behind one interface, and which of them is there.
 */
import { statSync } from 'node:fs';
import { FinitError } from '../errors.js';
import type { BusSignal } from '../protocol/bus-signals.js';
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

function automatic(options: CallOptions): Transport {
  const ways = [connectControlSocket(options), connectInitctl(options)] as const;
  return hasBus(options) ? new AutoTransport(connectBus(options), ...ways) : new AutoTransport(...ways);
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
