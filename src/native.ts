/**
 * The only file that loads the native addon, and its typed surface: the contract with native/addon/addon.cc.
 *
 * Nothing happens at import: the addon is loaded when the first primitive is used, so that importing the package
 * is safe on every platform.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FinitError } from './errors.js';

/** Where a burst's outcome stands, in an array of numbers; the lengths of its answers follow. */
export const Outcome = {
  /**
   * 0, or an errno: ETIMEDOUT deadline, ECANCELED cancelled, ENODATA closed without an answer, EMSGSIZE answer longer than 64 KiB,
   * ENOBUFS no room left in the arena, EOVERFLOW no room left for lengths.
   */
  errno: 0,
  /** Index in {@link SYSCALLS} of the system call that gave it. */
  syscall: 1,
  /** How many answers there are; a final end marker is not among them. */
  answers: 2,
  /** The length of the first; the answers themselves lie in the arena one behind the other. */
  lengths: 3,
} as const;

/** Names of the system calls that a burst can fail in. */
export const SYSCALLS = ['', 'socket', 'connect', 'send', 'recv', 'epoll_ctl', 'pthread_create'] as const;

/** One inotify instance. Reads on demand, so that what JavaScript is too slow for overflows in the kernel, visibly. */
export interface NativeInotify {
  /** Adds or changes a watch: watch descriptor (> 0), or -errno. */
  add(path: string, mask: number): number;
  /** Removes a watch: 0, or -errno. */
  remove(wd: number): number;
  /**
   * Takes what has been queued, at most 64 KiB: raw `struct inotify_event`s. Empty: nothing there, and `onReadable` will be
   * called again when there is; so call it until it is empty. -errno otherwise.
   */
  read(): Buffer | number;
  /** Ends it; idempotent. */
  close(): void;
  /** Whether an open instance keeps the process alive (it does at first). */
  ref(): void;
  unref(): void;
}

/**
 * Sends one message, of 4096 bytes at most, on a connection that is kept, with copies of these descriptors: 0, or -errno. Does not wait,
 * but for a vsock connection (100 ms at most). Connects anew by itself when the receiver has been replaced.
 *
 * With `true`, `text` is what follows STATUS= in a message that is put together there; -EBADMSG when it is not one line.
 */
export interface NativeNotifySend {
  (text: string, fds?: readonly number[] | true): number;
  /** Closes the connection; the next message makes another. */
  (): void;
}

/** The addon's exports. All addresses and results are plain data; layouts and policies live in TypeScript. */
export interface NativeAddon {
  /**
   * Runs a burst: requests to a listening SOCK_SEQPACKET socket, each one packet on a connection of its own, answered by one packet.
   * @param path - the socket's file name.
   * @param arena - where the answers go. With `outcome` the burst's own until it is over.
   * @param outcome - see {@link Outcome}; with `endMarkers`, its length is the limit to the answers.
   * @param window - how many connections may wait in the listen backlog at once, 1 or more; answers stay in order.
   * @param timeout - for the whole burst, in milliseconds.
   * @param patience - for so many microseconds at most the calling thread itself waits for the answers. 0: not at all.
   * @param endMarkers - pairs of answer length and offset of an int32 that is negative in an end marker: the last request is repeated
   *   until there is one. An answer of another length is the last.
   * @returns undefined: it is over. Or it goes on on the addon's own thread until `result` is fulfilled; `id` is for {@link cancel}.
   */
  burst(
    path: string,
    requests: readonly Uint8Array[],
    arena: Uint8Array,
    outcome: Uint32Array,
    window: number,
    timeout: number,
    patience: number,
    endMarkers?: Uint32Array,
  ): { id: number; result: Promise<void> } | undefined;
  /** Locks a directory (flock) without waiting: what to unlock, or -errno; -EWOULDBLOCK when somebody has it. */
  lock(directory: string): number;
  /** Unlocks. */
  unlock(lock: number): void;
  /** Ends a burst with ECANCELED; connections are closed at once. One that has ended is ignored. */
  cancel(id: number): void;
  /**
   * Sends one datagram to an AF_UNIX address without waiting: 0, or -errno. `address` is the bytes of sun_path: a file name,
   * or, beginning with a NUL, an abstract name; no terminating NUL is added.
   */
  sendDatagram(address: Uint8Array, payload: Uint8Array): number;
  /** Sends one message on an inherited descriptor (socket or pipe) without waiting, without SIGPIPE: 0, or -errno. */
  sendDescriptor(fd: number, payload: Uint8Array): number;
  /** SO_TYPE of a descriptor (1 stream, 2 datagram, 5 seqpacket), or -errno (ENOTSOCK, EBADF). */
  socketType(fd: number): number;
  /**
   * Becomes another program, with this process's number: -errno when that fails, else it does not return.
   * @param keep - descriptors that it shall have, where there are such
   */
  exec(path: string, args: readonly string[], keep: readonly number[]): number;
  /**
   * A supervisor's datagram socket: the bytes of sun_path (see {@link sendDatagram}), or an AF_VSOCK address with its type (0: whatever
   * the machine has). -ENAMETOOLONG for a path that is too long; otherwise nothing happens yet.
   * @param environment - the function sends only as long as this is the process's NOTIFY_SOCKET, and gives -ESTALE else. For the main
   *   thread: workers have copies of the environment, of which native code does not know.
   */
  notifySocket(address: Uint8Array, environment?: string): NativeNotifySend | number;
  notifySocket(cid: number, port: number, type: number): NativeNotifySend;
  /**
   * A pipe: its write end's descriptor, to be sent to somebody, and what to call the whole thing by; or -errno. `over` is called
   * once, later, when all copies of the write end are closed.
   */
  hangup(over: () => void): { id: number; fd: number } | number;
  /** Closes our copy of the write end. */
  hangupSent(id: number): void;
  /** Closes all that is left of it; `over` is not called any more. Idempotent. */
  hangupEnd(id: number): void;
  /**
   * What a descriptor is, or -errno: (st_mode & S_IFMT) >> 12, and of a socket its SO_DOMAIN << 8, SO_TYPE << 16, SO_ACCEPTCONN << 24.
   */
  descriptorKind(fd: number): number;
  /** Sets FD_CLOEXEC: 0, or -errno. */
  closeOnExec(fd: number): number;
  /** Puts /dev/null in a descriptor's place: 0, or -errno. */
  retireDescriptor(fd: number): number;
  /**
   * Sends one request to a SOCK_STREAM server, connecting and sending without anything in between: the connection's descriptor, or -errno,
   * and then nothing has been written.
   */
  openStream(path: string, request: Uint8Array): number;
  /** Waits for so many milliseconds at most: how many bytes have come, 0 at the end, -EAGAIN when there is nothing, -errno. */
  readStream(fd: number, buffer: Uint8Array, timeout: number): number;
  /** Closes a connection of {@link openStream}. Node's own close() warns in a worker of descriptors that Node has not opened. */
  closeStream(fd: number): void;
  /** WDIOC_GETSUPPORT of a /dev/watchdogN that is open: `options` are WDIOF_…; or -errno (ENOTTY: not one). */
  watchdogSupport(fd: number): { options: number; firmware: number; identity: string } | number;
  /** One of {@link WatchdogValue}, in seconds or as flags; or -errno. */
  watchdogGet(fd: number, what: number): number;
  /** What the driver has made of the value; or -errno. */
  watchdogSet(fd: number, what: number, value: number): number;
  Inotify: new (onReadable: () => void) => NativeInotify;
}

/** What a /dev/watchdogN can be asked for and told; `enum class WatchdogValue` in native/addon/watchdog.h. */
export const WatchdogValue = {
  status: 0,
  bootStatus: 1,
  timeout: 2,
  pretimeout: 3,
  timeLeft: 4,
  options: 5,
} as const;

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call.
 * @throws {FinitError} `FINIT_UNSUPPORTED` where there is no Linux, `FINIT_NO_ADDON` when no binary loads.
 */
export function native(): NativeAddon {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): NativeAddon {
  if (process.platform !== 'linux')
    throw new FinitError('FINIT_UNSUPPORTED', `finit runs on Linux only, this is ${process.platform}`);
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const require = createRequire(import.meta.url);
  try {
    const file = process.env.NODE_FINIT_ADDON;
    if (file) return require(file) as NativeAddon;
    // What node-gyp-build finds first; to look for it takes some milliseconds less than to load node-gyp-build.
    const built = join(root, 'build/Release/node_finit.node');
    if (existsSync(built) && !process.env.PREBUILDS_ONLY) return require(built) as NativeAddon;
    return require('node-gyp-build')(root) as NativeAddon;
  } catch (cause) {
    throw new FinitError(
      'FINIT_NO_ADDON',
      `node-finit's native addon does not load from ${root}: ${(cause as Error).message.split('\n')[0]}. ` +
        'Build it with "npm rebuild node-finit" (needs python3, make and g++).',
      { cause, path: root },
    );
  }
}
