/**
 * The records of watchdogd's supervisor: `wdog_t` of watchdogd 3.1 – 4.1 (src/private.h), 204 bytes in host byte order, the same in both
 * directions and on all machines.
 */
import { endianness } from 'node:os';
import { FinitError } from '../errors.js';
import { decodeText, encodeText } from './text.js';

/** Length of a request, and of an answer. */
export const RECORD_LENGTH = 204;
const LABEL_OFFSET = 28;
const LABEL_LENGTH = 48;

/** WDOG_…_CMD of src/private.h. */
export const WatchdogdCommand = { error: -1, subscribe: 1, unsubscribe: 2, kick: 3 } as const;

const littleEndian = endianness() === 'LE';

/** A request or an answer. */
export interface WatchdogdRecord {
  /** A number of {@link WatchdogdCommand}; an answer repeats it. */
  command: number;
  /** Of an answer with the command `error`: an errno. */
  error: number;
  /** The subscription, 1 to 255; -1 when subscribing. */
  id: number;
  pid: number;
  /** In milliseconds. */
  timeout: number;
  /** The last number that was received. */
  ack: number;
  /** Of an answer: the number to send next. */
  nextAck: number;
  /** What the subscriber is called; 47 bytes. */
  label: string;
}

/** The bytes of a request; what is not said is 0. A label that is too long is cut. */
export function encodeWatchdogd(record: Partial<WatchdogdRecord>): Uint8Array {
  const { command = 0, error = 0, id = 0, pid = 0, timeout = 0, ack = 0, nextAck = 0, label = '' } = record;
  const bytes = new Uint8Array(RECORD_LENGTH);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [command, error, id, pid, timeout, ack, nextAck].entries())
    view.setInt32(i * 4, value, littleEndian);
  bytes.set(encodeText(label).subarray(0, LABEL_LENGTH - 1), LABEL_OFFSET);
  return bytes;
}

/**
 * Takes an answer apart. Any bytes give a record or the error.
 * @throws {FinitError} `FINIT_BAD_REPLY` when the length is another.
 */
export function decodeWatchdogd(bytes: Uint8Array): WatchdogdRecord {
  if (bytes.length !== RECORD_LENGTH)
    throw new FinitError(
      'FINIT_BAD_REPLY',
      `watchdogd 3.1 and later answers with ${RECORD_LENGTH} bytes, this answer has ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const int = (i: number) => view.getInt32(i * 4, littleEndian);
  const unsigned = (i: number) => view.getUint32(i * 4, littleEndian);
  return {
    command: int(0),
    error: int(1),
    id: int(2),
    pid: int(3),
    timeout: unsigned(4),
    ack: unsigned(5),
    nextAck: unsigned(6),
    label: decodeText(bytes, LABEL_OFFSET, LABEL_LENGTH),
  };
}
