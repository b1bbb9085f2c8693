import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';
import { native } from '../native.js';
import { checkNames } from '../option-names.js';

/** A descriptor that this process was started with. */
export interface ListenFd {
  /** For `server.listen({ fd })`. It is closed when another program is started. */
  fd: number;
  /** Its name in LISTEN_FDNAMES; `unknown` where it has none, as with libsystemd. */
  name: string;
  /**
   * `tcp` and `unix` are for `net.Server.listen({ fd })`, `udp` is for a `dgram` socket's `bind({ fd })`. `unix-datagram` and
   * `unix-seqpacket` are sockets that Node cannot use. A connection that was stored (FDSTORE) is a `stream`.
   */
  kind: 'tcp' | 'udp' | 'unix' | 'unix-datagram' | 'unix-seqpacket' | 'stream' | 'pipe' | 'file' | 'other';
}

const FIRST = 3;
/** More than a process may have by default; what is beyond it is a mistake. */
const MOST = 1 << 20;

/**
 * The descriptors of socket activation and of the descriptor store, sd_listen_fds(3): LISTEN_FDS of them, from 3 on, if LISTEN_PID is this
 * process. Set by systemd and by finit-shim (`--listen`, FDSTORE); finit itself sets nothing.
 * @param options.unset - deletes the variables from process.env, so that programs that are started do not see them.
 * @returns `[]` when there are none, or they are for another process.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when the variables make no sense or name more than there is; `FINIT_SYSTEM`;
 *   `FINIT_NO_ADDON`.
 */
export function listenFds(options: { unset?: boolean | undefined } = {}): ListenFd[] {
  checkNames('listenFds()', options, { unset: true });
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = process.env;
  if (options.unset)
    for (const name of ['LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDS', 'LISTEN_FDNAMES'])
      delete process.env[name];
  if (process.platform !== 'linux' || LISTEN_PID === undefined || LISTEN_FDS === undefined) return [];
  const pid = number('LISTEN_PID', LISTEN_PID, 0x7fffffff);
  if (pid !== process.pid) return [];
  const count = number('LISTEN_FDS', LISTEN_FDS, MOST);
  const names = LISTEN_FDNAMES?.split(':');
  if (names !== undefined && names.length !== count)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `LISTEN_FDNAMES has ${names.length} names for LISTEN_FDS=${count} descriptors`,
    );
  return Array.from({ length: count }, (_, i) => listenFd(FIRST + i, names?.[i] ?? 'unknown'));
}

function number(name: string, value: string, most: number): number {
  const result = Number(value);
  if (!/^[0-9]+$/.test(value) || result < 1 || result > most)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${name} is ${JSON.stringify(value)}, not a number from 1 to ${most}`,
    );
  return result;
}

function listenFd(fd: number, name: string): ListenFd {
  const addon = native();
  const found = addon.descriptorKind(fd);
  const result = found < 0 ? found : addon.closeOnExec(fd);
  if (result < 0)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `LISTEN_FDS names descriptor ${fd}, which is not there (${errnoName(-result)})`,
      { errno: errnoName(-result), syscall: 'fstat' },
    );
  return { fd, name, kind: kindOf(found) };
}

/** See NativeAddon.descriptorKind(). */
function kindOf(found: number): ListenFd['kind'] {
  const [fifo, regular, socket] = [1, 8, 12];
  const file = found & 0xff;
  if (file === fifo) return 'pipe';
  if (file === regular) return 'file';
  if (file !== socket) return 'other';
  const [unix, inet, inet6] = [1, 2, 10];
  const [stream, datagram, seqpacket] = [1, 2, 5];
  const family = (found >> 8) & 0xff;
  const type = (found >> 16) & 0xff;
  const isInet = family === inet || family === inet6;
  if (type === stream && (isInet || family === unix)) {
    if (found >> 24 === 0) return 'stream';
    return isInet ? 'tcp' : 'unix';
  }
  if (type === datagram && isInet) return 'udp';
  if (family === unix && type === datagram) return 'unix-datagram';
  if (family === unix && type === seqpacket) return 'unix-seqpacket';
  return 'other';
}
