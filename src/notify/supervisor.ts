/**
 * Who set NOTIFY_SOCKET, and how to reach them.
 */
import { constants } from 'node:os';
import { errnoName } from '../errno.js';
import { FinitError, type FinitErrorCode } from '../errors.js';
import { native } from '../native.js';
import { encodeText } from '../protocol/text.js';

/** The other end of NOTIFY_SOCKET. */
export interface Supervisor {
  kind: 'finit' | 'systemd';
  /** Takes whatever it gets for READY=1. */
  readyOnly: boolean;
  /** @throws {FinitError} */
  send(message: Uint8Array): void;
}

/**
 * finit 4.13 and later bind a service's socket after they have forked it (finit issue 505), so that a fast one finds nobody
 * there at first. How often to try again, 1 ms apart.
 */
const RETRIES = 25;

/** SO_TYPE of the socket that finit 4.4 – 4.12 has connected for us. */
const SOCK_SEQPACKET = 5;

/** Stdin, stdout and stderr are nobody's notify socket. */
const FIRST_DESCRIPTOR = 3;

/**
 * The supervisor that this NOTIFY_SOCKET means; undefined for none.
 *
 * - `@run/finit/notify/<pid>`: finit from 4.13 on (service_fork() in src/service.c); abstract.
 * - a decimal number: finit 4.4 to 4.12; a descriptor that is connected to PID 1.
 * - another `@name`, or `/path`: systemd, and what does as it does.
 * @throws {FinitError} `FINIT_UNSUPPORTED` for anything else.
 */
export function findSupervisor(socket: string | undefined): Supervisor | undefined {
  if (!socket) return undefined;
  if (/^[0-9]+$/.test(socket)) return descriptor(Number(socket));
  if (socket.startsWith('/')) return datagramSocket('systemd', socket, encodeText(socket));
  // An abstract address is its name's bytes behind a NUL, and ends with them.
  if (socket.startsWith('@') && socket.length > 1)
    return datagramSocket(
      /^@run\/finit\/notify\/[0-9]+$/.test(socket) ? 'finit' : 'systemd',
      socket,
      encodeText(`\0${socket.slice(1)}`),
    );
  throw new FinitError(
    'FINIT_UNSUPPORTED',
    `NOTIFY_SOCKET is ${JSON.stringify(socket)}: neither /path nor @name nor a descriptor's number`,
  );
}

function datagramSocket(kind: Supervisor['kind'], path: string, address: Uint8Array): Supervisor {
  return {
    kind,
    readyOnly: false,
    send(message) {
      const addon = native();
      let result = addon.sendDatagram(address, message);
      const retries = kind === 'finit' ? RETRIES : 0;
      for (let retry = 0; retry < retries && result === -constants.errno.ECONNREFUSED; retry++) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
        result = addon.sendDatagram(address, message);
      }
      if (result < 0) throw notSent(-result, kind, path);
    },
  };
}

function descriptor(fd: number): Supervisor {
  return {
    kind: 'finit',
    readyOnly: true,
    send(message) {
      const addon = native();
      const type = fd >= FIRST_DESCRIPTOR ? addon.socketType(fd) : -constants.errno.ENOTSOCK;
      // A process that has the environment but not the descriptor must not write to whatever has that number there.
      if (type !== SOCK_SEQPACKET)
        throw new FinitError(
          'FINIT_NOTIFY_FAILED',
          `NOTIFY_SOCKET is descriptor ${fd}, and that is not finit's socket ` +
            `(${type < 0 ? errnoName(-type) : `socket type ${type}`}). Was it closed on the way from finit to this process?`,
          type < 0 ? { errno: errnoName(-type), syscall: 'getsockopt' } : {},
        );
      const result = addon.sendDescriptor(fd, message);
      if (result < 0) throw notSent(-result, 'finit', `descriptor ${fd}`);
    },
  };
}

function notSent(errno: number, kind: Supervisor['kind'], path: string): FinitError {
  const [code, why] = reason(errno, kind);
  return new FinitError(code, `The notification did not reach ${path}: ${why}`, {
    errno: errnoName(errno),
    syscall: 'send',
    path,
  });
}

function reason(errno: number, kind: Supervisor['kind']): [FinitErrorCode, string] {
  const { errno: known } = constants;
  switch (errno) {
    case known.ECONNREFUSED:
    case known.ENOENT:
    case known.EPIPE:
    case known.ECONNRESET:
      return [
        'FINIT_NOTIFY_FAILED',
        kind === 'finit'
          ? 'nobody is there. finit can be reached only while it supervises this service, and from its network namespace.'
          : 'nobody is there.',
      ];
    case known.EAGAIN:
    case known.ENOBUFS:
      return ['FINIT_NOTIFY_FAILED', 'the supervisor has not read the earlier ones, its queue is full.'];
    case known.EMSGSIZE:
      return ['FINIT_NOTIFY_FAILED', 'it is too long for one message.'];
    case known.EACCES:
    case known.EPERM:
      return ['FINIT_ACCESS_DENIED', 'this process may not write to it.'];
    default:
      return ['FINIT_NOTIFY_FAILED', errnoName(errno)];
  }
}
