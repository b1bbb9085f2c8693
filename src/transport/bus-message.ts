/**
 * D-Bus messages: the one file that knows the library which marshals them. It is loaded when the bus is first used.
 *
 * Only the library's codec is used, not its connections: those cannot be given up in time, nor told not to keep the process alive.
 */
// The newest that runs on Node 20; from 0.14 on it wants Node 22.
import codec from 'dbus-native/lib/message.js';
import { decodeText } from '../protocol/text.js';

/** A call, before it is bytes. */
export interface BusCall {
  path: string;
  interface: string;
  member: string;
  /** D-Bus types of the arguments, e.g. `su`; absent: none. */
  signature?: string;
  body?: readonly unknown[];
}

/** A message of finit's. */
export interface BusMessage {
  type: number;
  /** Of the call that it answers. */
  replySerial: number | undefined;
  interface: string;
  member: string;
  errorName: string;
  body: readonly unknown[];
}

export const MessageType = { reply: 2, error: 3, signal: 4 } as const;

/** Of a message, before its header fields: what tells how long it is. */
export const FIXED_HEADER = 16;
/** finit's own limit is some 17 kB (LINK_TX_BUF_SIZE in libink/internal.h). */
const LONGEST = 256 * 1024;

/** @throws {Error} for a value that does not fit its type; a text with a NUL for one. */
export function encodeCall(call: BusCall, serial: number): Buffer {
  return codec.marshall({ ...call, type: 1, serial });
}

/**
 * The length of the message that begins so, in bytes.
 * @returns undefined for what is no D-Bus message, or a longer one than finit could send.
 */
export function messageLength(start: Buffer): number | undefined {
  const little = start[0] === 0x6c;
  if ((!little && start[0] !== 0x42) || start[3] !== 1) return undefined;
  const number = (at: number) => (little ? start.readUInt32LE(at) : start.readUInt32BE(at));
  const length = Math.ceil((FIXED_HEADER + number(12)) / 8) * 8 + number(4);
  return length <= LONGEST ? length : undefined;
}

/** @throws {Error} for what is no D-Bus message. */
export function decodeMessage(bytes: Buffer): BusMessage {
  // finit sends texts of any bytes. Those that are not UTF-8 would be lost, were this left to the buffer's own toString().
  const decode = (_: string, start: number, end: number) => decodeText(bytes, start, end - start);
  const message = codec.unmarshall(Object.assign(bytes, { toString: decode }), { plainValues: true });
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    type: Number(message.type),
    replySerial: typeof message.replySerial === 'number' ? message.replySerial : undefined,
    interface: text(message.interface),
    member: text(message.member),
    errorName: text(message.errorName),
    body: Array.isArray(message.body) ? message.body : [],
  };
}
