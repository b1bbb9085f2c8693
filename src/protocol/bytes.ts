/**
 * Numbers in finit's records. All ABIs that we know are of little endian.
 *
 * By hand rather than with a DataView, which would have to be made for each record.
 */
import type { Field } from './record-struct.js';

/** A signed 32-bit number; 0 in place of bytes that are not there. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) |
    ((bytes[offset + 1] ?? 0) << 8) |
    ((bytes[offset + 2] ?? 0) << 16) |
    ((bytes[offset + 3] ?? 0) << 24)
  );
}

/** A field of 1 byte (unsigned), 4 or 8 (signed; from 2^53 on not exactly). */
export function readNumber(bytes: Uint8Array, field: Field): number {
  const offset = field[0];
  const size = field[1];
  if (size === 4) return readInt32(bytes, offset);
  if (size === 1) return bytes[offset] ?? 0;
  return readInt32(bytes, offset + 4) * 0x1_0000_0000 + (readInt32(bytes, offset) >>> 0);
}
