/**
 * Text in finit's fixed-size fields: C strings of any bytes, with whatever was there before behind the NUL.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The C string in a field. Bytes that are not UTF-8 become U+FFFD: finit cuts long text at a byte, possibly within a
 * character, so this is not rare enough to be an error.
 */
export function decodeText(bytes: Uint8Array, offset = 0, size = bytes.length - offset): string {
  const field = bytes.subarray(offset, offset + size);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** UTF-8, without a terminating NUL. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}
