/**
 * Requests and answers on finit 4's control socket: `struct init_request` (src/finit.h), 384 bytes in host byte order.
 *
 * The same struct goes both ways, except that the three service queries (SVC_ITER, SVC_FIND, SVC_FIND_BYC) are answered with
 * one service record: see service-record.ts.
 */
import { endianness } from 'node:os';
import { FinitError } from '../errors.js';
import { decodeText, encodeText } from './text.js';

/** Length of a request, and of an answer that is not a service record. */
export const REQUEST_LENGTH = 384;
/** Room for `data` in a request, its terminating NUL included. */
export const DATA_LENGTH = 368;
const DATA_OFFSET = REQUEST_LENGTH - DATA_LENGTH;
const MAGIC = 0x03091969;

const littleEndian = endianness() === 'LE';

/** INIT_CMD_… of src/finit.h. Numbers have not changed from 4.2 to 4.17. */
export const Command = {
  /** `runlevel`: an ASCII digit or 'S'. Unknown levels are acknowledged and ignored. */
  setRunlevel: 1,
  toggleDebug: 8,
  reload: 9,
  /** `data`: a job string. These three answer when the request is accepted, not when it has been carried out. */
  start: 10,
  stop: 11,
  reloadService: 12,
  restart: 13,
  /** The answer's `data`: names separated by blanks. */
  listPlugins: 14,
  pluginDependencies: 15,
  /** The answer's `runlevel` (10 = S) and, in `sleeptime`, the previous one. */
  getRunlevel: 16,
  /** `sleeptime` > 0 arms a forced shutdown after that many seconds. */
  reboot: 20,
  halt: 21,
  poweroff: 22,
  suspend: 23,
  /** From 4.16. `data`: the new root and, optionally, its init, each ended by a NUL. Older ones acknowledge it and do nothing. */
  switchRoot: 24,
  watchdogHello: 128,
  /** `runlevel` 1: first, 0: next. Answered with a service record. */
  iterateServices: 129,
  /** `data`: a job string. NACK if any part of it is unknown. */
  queryServices: 130,
  /** `data`: a name, name:id, job or job:id. Answered with a service record. */
  findService: 131,
  /** `data`: a condition. Answered with a service record. */
  findServiceByCondition: 132,
  /** `runlevel`: a signal number, `data`: a job string. */
  signal: 133,
  nack: 254,
  ack: 255,
} as const;

export type CommandName = keyof typeof Command;

/** The fields of a request besides the command; finit uses `runlevel` and `sleeptime` for other numbers, too. */
export interface RequestFields {
  /** A signed 32-bit number. Default 0. */
  runlevel?: number;
  /** A signed 32-bit number. Default 0. */
  sleeptime?: number;
  /** At most 367 bytes as UTF-8, without NUL; or bytes, as they are. Default ''. */
  data?: string | Uint8Array;
}

/** A request, or an answer that is not a service record, taken apart. */
export interface ControlMessage {
  /** A number of {@link Command}; in an answer `ack` or `nack`. */
  command: number;
  runlevel: number;
  sleeptime: number;
  data: string;
}

/**
 * The bytes of a request.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when `data` does not fit or holds a NUL, or a number is no int32.
 */
export function encodeRequest(command: number, fields: RequestFields = {}): Uint8Array {
  const { runlevel = 0, sleeptime = 0, data = '' } = fields;
  // From Node's pool: fresh memory costs as much as the rest.
  const bytes = Buffer.allocUnsafe(REQUEST_LENGTH).fill(0);
  writeInt32(bytes, 0, MAGIC, 'magic');
  writeInt32(bytes, 4, command, 'command');
  writeInt32(bytes, 8, runlevel, 'runlevel');
  writeInt32(bytes, 12, sleeptime, 'sleeptime');
  if (typeof data === 'string' && writePlain(bytes, data)) return bytes;
  const text = typeof data === 'string' ? encodeText(data) : data;
  if (text.length >= DATA_LENGTH)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `A request to finit holds ${DATA_LENGTH - 1} bytes of text, this is ${text.length}: ${decodeText(text, 0, 40)}…`,
    );
  if (typeof data === 'string' && text.includes(0))
    throw new FinitError('FINIT_INVALID_ARGUMENT', 'Text in a request to finit cannot hold a NUL character');
  bytes.set(text, DATA_OFFSET);
  return bytes;
}

/**
 * Takes a request or an ACK/NACK apart. Any bytes give a message or the error.
 * @throws {FinitError} `FINIT_BAD_REPLY` when length or magic are not those of finit.
 */
export function decodeMessage(bytes: Uint8Array): ControlMessage {
  if (bytes.length !== REQUEST_LENGTH)
    throw new FinitError(
      'FINIT_BAD_REPLY',
      `finit answers with ${REQUEST_LENGTH} bytes, this answer has ${bytes.length}: is it finit 4 that listens there?`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getInt32(0, littleEndian);
  if (magic !== MAGIC)
    throw new FinitError(
      'FINIT_BAD_REPLY',
      `The answer begins with 0x${(magic >>> 0).toString(16)} instead of finit's magic number 0x${MAGIC.toString(16)}`,
    );
  return {
    command: view.getInt32(4, littleEndian),
    runlevel: view.getInt32(8, littleEndian),
    sleeptime: view.getInt32(12, littleEndian),
    data: decodeText(bytes, DATA_OFFSET, DATA_LENGTH),
  };
}

/**
 * What finit says to a request that is not about records.
 * @returns the answer, `ok` false for a NACK.
 * @throws {FinitError} `FINIT_BAD_REPLY` when it is neither ACK nor NACK.
 */
export function decodeAnswer(bytes: Uint8Array): ControlMessage & { ok: boolean } {
  const message = decodeMessage(bytes);
  if (message.command !== Command.ack && message.command !== Command.nack)
    throw new FinitError(
      'FINIT_BAD_REPLY',
      `finit answers with ACK or NACK, this answer is ${message.command}`,
    );
  return { ...message, ok: message.command === Command.ack };
}

function writeInt32(bytes: Buffer, offset: number, value: number, what: string): void {
  if (!Number.isInteger(value) || value !== (value | 0))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${what} in a request to finit is a 32-bit number, not ${value}`,
    );
  if (littleEndian) bytes.writeInt32LE(value, offset);
  else bytes.writeInt32BE(value, offset);
}

/** Writes text that fits and is ASCII, as names are, in a fraction of the time that an encoder takes. False for any other. */
function writePlain(bytes: Buffer, text: string): boolean {
  if (text.length >= DATA_LENGTH) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
    bytes[DATA_OFFSET + i] = code;
  }
  return true;
}
