/**
 * The ways to the init system, behind one interface, and which of them is there.
 */
import { FinitError } from '../errors.js';
import { AutoTransport } from './auto.js';
import { connectControlSocket } from './control-socket.js';
import { connectInitctl } from './initctl.js';
import type { CallOptions, Transport, TransportKind } from './types.js';

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
  bus: () => {
    throw new FinitError('FINIT_UNSUPPORTED', 'The bus of finit 5 is not spoken yet');
  },
  initctl: connectInitctl,
};

/**
 * The way to the finit that these options mean. Does nothing yet: a finit that is not there is found out by the first call.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a transport that does not exist.
 */
export function connect(options: CallOptions = {}): Transport {
  const asked = options.transport ?? (process.env.FINIT_TRANSPORT || 'auto');
  if (asked === 'auto') return new AutoTransport(connectControlSocket(options), connectInitctl(options));
  if (!Object.hasOwn(ways, asked))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `No transport ${asked}: there are auto, ${Object.keys(ways).join(', ')} (option transport, or FINIT_TRANSPORT)`,
    );
  return ways[asked as TransportKind](options);
}
