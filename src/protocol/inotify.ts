/** `struct inotify_event` (linux/inotify.h), bytes to values. */
import { endianness } from 'node:os';

/** What happened, and how to watch: the bits of `mask` that this package uses. */
export const IN = {
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x01000000,
  DONT_FOLLOW: 0x02000000,
  ISDIR: 0x40000000,
} as const;

export interface InotifyEvent {
  /** Watch descriptor, -1 for an overflow. */
  wd: number;
  mask: number;
  /** Pairs MOVED_FROM with MOVED_TO. */
  cookie: number;
  /** Name within the watched directory; '' for the directory itself. */
  name: string;
}

const HEADER = 16;
const littleEndian = endianness() === 'LE';

/**
 * Decodes what one read() of an inotify descriptor gave. The kernel only delivers whole events; a fragment at the end of the
 * bytes (which then do not come from a kernel) is left out.
 */
export function decodeInotifyEvents(bytes: Uint8Array): InotifyEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: InotifyEvent[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = view.getUint32(at + 12, littleEndian);
    const end = at + HEADER + length;
    if (end > bytes.length) break;
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + at + HEADER, length);
    const nul = name.indexOf(0);
    events.push({
      wd: view.getInt32(at, littleEndian),
      mask: view.getUint32(at + 4, littleEndian),
      cookie: view.getUint32(at + 8, littleEndian),
      name: name.toString('utf8', 0, nul < 0 ? length : nul),
    });
    at = end;
  }
  return events;
}
