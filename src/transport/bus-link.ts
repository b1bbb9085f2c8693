/** One connection to finit's bus: from connect() to its end, however that comes. */
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import type { Loss } from './bus-errors.js';
import { type BusMessage, decodeMessage, FIXED_HEADER, messageLength } from './bus-message.js';

/** What happens to a link. After `lost` nothing does. */
export interface LinkEvents {
  /** It can be sent on. */
  open(): void;
  message(message: BusMessage): void;
  lost(loss: Loss): void;
}

/** finit's own limit is 255 (LINK_AUTH_LINEBUF_SIZE). */
const LONGEST_LINE = 1024;
/** sun_path, with its NUL. What is longer, Node cuts. */
const LONGEST_PATH = 107;

export class Link {
  readonly #socket: Socket | undefined;
  readonly #events: LinkEvents;
  /**
   * Who we are to finit. It compares with what the kernel says, which in another user namespace is another number: 0 where
   * we are its root, 65534 where we are nobody.
   */
  readonly #uids = [...new Set([process.geteuid?.() ?? 0, 0, 65534])];
  readonly #tried: number[] = [];
  #received: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #ended = false;

  constructor(path: string, events: LinkEvents) {
    this.#events = events;
    if (Buffer.byteLength(path) > LONGEST_PATH) {
      const { ENAMETOOLONG: errno } = constants.errno;
      queueMicrotask(() => this.#end({ errno, syscall: 'connect', open: false }));
      return;
    }
    this.#socket = connect({ path });
    this.#socket.on('connect', () => {
      this.#socket?.write('\0');
      this.#authenticate();
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end({
        errno: -(error.errno ?? -constants.errno.EIO),
        syscall: error.syscall ?? '',
        open: this.#isOpen,
      }),
    );
    this.#socket.on('end', () => this.#end({ closed: true, open: this.#isOpen }));
    this.#socket.on('close', () => this.#end({ closed: true, open: this.#isOpen }));
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#ended;
  }

  send(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  /** Whether it keeps the process alive. */
  keepAlive(alive: boolean): void {
    if (alive) this.#socket?.ref();
    else this.#socket?.unref();
  }

  /** Ends it; `lost` is not called. */
  destroy(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #end(loss: Loss): void {
    if (this.#ended) return;
    this.destroy();
    this.#events.lost(loss);
  }

  #authenticate(): void {
    const uid = this.#uids.shift();
    if (uid === undefined) {
      this.#end({ rejected: this.#tried.join(', ') });
      return;
    }
    this.#tried.push(uid);
    this.#socket?.write(`AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`);
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (!this.#ended && (this.#isOpen ? this.#takeMessage() : this.#takeLine()));
  }

  #takeLine(): boolean {
    const end = this.#received.indexOf('\r\n');
    if (end < 0) {
      if (this.#received.length > LONGEST_LINE) this.#end({ garbage: 'a greeting without an end' });
      return false;
    }
    const line = this.#received.toString('latin1', 0, end);
    this.#received = this.#received.subarray(end + 2);
    if (/^OK( |$)/.test(line)) {
      this.#isOpen = true;
      this.#socket?.write('BEGIN\r\n');
      this.#events.open();
    } else if (/^(REJECTED|ERROR)( |$)/.test(line)) this.#authenticate();
    else this.#end({ garbage: `it answers ${JSON.stringify(line.slice(0, 60))} to who we are` });
    return true;
  }

  #takeMessage(): boolean {
    if (this.#received.length < FIXED_HEADER) return false;
    const length = messageLength(this.#received);
    if (length === undefined) {
      this.#end({ garbage: 'no D-Bus message' });
      return false;
    }
    if (this.#received.length < length) return false;
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    let message: BusMessage;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      this.#end({ garbage: (error as Error).message });
      return false;
    }
    this.#events.message(message);
    return true;
  }
}
