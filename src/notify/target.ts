/**
 * Where notifications go: what NOTIFY_SOCKET and the like mean, and how to write there.
 */
import { constants } from 'node:os';
import { errnoName } from '../errno.js';
import { FinitError } from '../errors.js';
import { type NativeNotifySend, native } from '../native.js';
import { READY } from '../protocol/notify-text.js';
import { encodeText } from '../protocol/text.js';
import { notSent } from './failure.js';
import type { NotifyField, NotifyResult, SupervisorKind } from './types.js';

/** A supervisor, found. */
export interface Target {
  readonly kind: Exclude<SupervisorKind, 'none'>;
  /** As it is written in NOTIFY_SOCKET; a descriptor's number. */
  readonly address: string;
  readonly understands: readonly NotifyField[];
  /** Takes whatever it gets for READY=1. */
  readonly readyOnly: boolean;
  /** The descriptor, where it is one that this process has inherited. */
  readonly fd?: number;
  /** It gives -ESTALE, and sends nothing, when NOTIFY_SOCKET is another by now; so that need not be looked at before each message. */
  readonly watchesEnvironment: boolean;
  /** How often a first ECONNREFUSED may still be followed by another attempt, 1 ms later. */
  retries: number;
  readonly sent: NotifyResult;
  readonly notUnderstood: NotifyResult;
  /**
   * One message: 0, or -errno; -EALREADY when it can be told nothing more; -ESTALE see {@link watchesEnvironment}.
   * @throws {FinitError}
   */
  readonly send: (text: string, fds?: readonly number[] | true) => number;
  /** Closes the connection, if there is one; the next message makes another. Else it would stay until the garbage is collected. */
  readonly close?: () => void;
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

/** st_mode >> 12 */
const FileType = { fifo: 1, characterDevice: 2, socket: 12 } as const;

const EVERYTHING: readonly NotifyField[] = Object.freeze([
  'READY',
  'RELOADING',
  'STOPPING',
  'STATUS',
  'ERRNO',
  'BUSERROR',
  'EXIT_STATUS',
  'MAINPID',
  'WATCHDOG',
  'WATCHDOG_USEC',
  'EXTEND_TIMEOUT_USEC',
  'FDSTORE',
  'NOTIFYACCESS',
  'BARRIER',
]);
const READY_ONLY: readonly NotifyField[] = Object.freeze(['READY']);

/**
 * What a NOTIFY_SOCKET means; undefined for none.
 *
 * - `@run/finit/notify/<pid>`: finit from 4.13 on (service_fork() in src/service.c); abstract.
 * - a decimal number: finit 4.4 to 4.12; a descriptor that is connected to PID 1.
 * - another `@name`, `/path` or `vsock:CID:PORT`: systemd, and what does as it does; the shim if `shim` is set.
 * @param watch - see {@link Target.watchesEnvironment}; for what was found in this process's own environment
 * @throws {FinitError} `FINIT_UNSUPPORTED` for anything else, `FINIT_NOTIFY_FAILED` for a name that is too long.
 */
export function socketTarget(
  socket: string | undefined,
  { shim = false, watch = false } = {},
): Target | undefined {
  if (!socket) return undefined;
  if (/^[0-9]+$/.test(socket)) return finitDescriptor(Number(socket));
  const kind = /^@run\/finit\/notify\/[0-9]+$/.test(socket) ? 'finit' : shim ? 'shim' : 'systemd';
  const watchesEnvironment = watch && /^[/@]/.test(socket);
  const send = open(socket, watchesEnvironment);
  if (typeof send === 'number') throw notSent(-send, kind, socket);
  return target(kind, socket, send, {
    understands: kind === 'finit' ? READY_ONLY : EVERYTHING,
    retries: kind === 'finit' ? RETRIES : 0,
    watchesEnvironment,
    close: () => send(),
  });
}

/** The same one, whatever becomes of NOTIFY_SOCKET. */
export function unwatched(target: Target): Target {
  return target.watchesEnvironment
    ? (socketTarget(target.address, { shim: target.kind === 'shim' }) ?? target)
    : target;
}

function open(socket: string, watch: boolean): NativeNotifySend | number {
  const environment = watch ? socket : undefined;
  if (socket.startsWith('/')) return native().notifySocket(encodeText(socket), environment);
  // An abstract address is its name's bytes behind a NUL, and ends with them.
  if (socket.startsWith('@') && socket.length > 1)
    return native().notifySocket(encodeText(`\0${socket.slice(1)}`), environment);
  const vsock = /^vsock(-dgram|-seqpacket|-stream)?:([0-9]{1,10}):([0-9]{1,10})$/.exec(socket);
  const [cid, port] = [Number(vsock?.[2]), Number(vsock?.[3])];
  // The highest number of each stands for any, which is nobody to send to.
  if (!vsock || cid >= 0xffffffff || port >= 0xffffffff)
    throw new FinitError(
      'FINIT_UNSUPPORTED',
      `NOTIFY_SOCKET is ${JSON.stringify(socket)}: neither /path, @name, vsock:CID:PORT nor a descriptor's number`,
    );
  const types = { '-dgram': 2, '-seqpacket': SOCK_SEQPACKET, '-stream': 1 };
  return native().notifySocket(cid, port, types[vsock[1] as keyof typeof types] ?? 0);
}

function target(
  kind: Target['kind'],
  address: string,
  send: Target['send'],
  rest: Partial<Target> & Pick<Target, 'understands'>,
): Target {
  return {
    kind,
    address,
    readyOnly: false,
    watchesEnvironment: false,
    retries: 0,
    sent: Object.freeze({ outcome: 'sent', supervisor: kind }),
    notUnderstood: Object.freeze({ outcome: 'not-understood', supervisor: kind }),
    send,
    ...rest,
  };
}

/** service_notify_cb() in src/service.c of 4.4 – 4.12: `READY=1\n`, or anything else that ends with a newline, is ready. */
function finitDescriptor(fd: number): Target {
  const send = (text: string) => {
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
    return addon.sendDescriptor(fd, encodeText(text));
  };
  return target('finit', String(fd), send, { understands: READY_ONLY, readyOnly: true, fd });
}

/**
 * A descriptor that hears one newline, and is closed then. A pipe with s6, dinit, and finit from 4.13 on (`notify:s6`); with finit 4.4 to
 * 4.12 the socket to PID 1.
 */
export function pipeTarget(kind: 's6' | 'dinit', fd: number): Target {
  const send = (text: string) => {
    if (text !== READY) return -constants.errno.EALREADY;
    const addon = native();
    const found = fd >= FIRST_DESCRIPTOR ? addon.descriptorKind(fd) : -constants.errno.EBADF;
    const type = found < 0 ? found : found & 0xff;
    // What we put in its place when we were ready.
    if (type === FileType.characterDevice) return -constants.errno.EALREADY;
    if (type !== FileType.fifo && type !== FileType.socket)
      throw new FinitError(
        'FINIT_NOTIFY_FAILED',
        `Descriptor ${fd} is not the pipe that ${kind} waits at (${type < 0 ? errnoName(-type) : 'it is a file'}). ` +
          'Was it closed on the way to this process?',
        type < 0 ? { errno: errnoName(-type), syscall: 'fstat' } : {},
      );
    const result = addon.sendDescriptor(fd, encodeText('\n'));
    return result < 0 ? result : addon.retireDescriptor(fd);
  };
  return target(kind, String(fd), send, { understands: READY_ONLY, readyOnly: true, fd });
}
