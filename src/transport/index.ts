/**
 * The way to the init system. Today there is one, the control socket of finit 4.
 */
import type { FinitOptions } from '../run-dir.js';
import { connectControlSocket } from './control-socket.js';
import type { Transport } from './types.js';

/** How long PID 1 may take, unless the caller says otherwise, in milliseconds. */
export { DEFAULT_TIMEOUT, Deadline } from './limits.js';
export type { Answer, CallOptions, Request, Transport, WaitOptions } from './types.js';

/** The way to the finit that these options mean. Does nothing yet: a finit that is not there is found out by the first call. */
export function connect(options: FinitOptions = {}): Transport {
  return connectControlSocket(options);
}
