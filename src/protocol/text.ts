/**
 * Text in finit's fixed-size fields: C strings of any bytes, with whatever was there before behind the NUL.
 *
 * It is UTF-8, as a rule. Bytes that are not (finit cuts long text at a byte, possibly within a character, and configuration
 * may be in any encoding) survive: byte 0xNN becomes U+DCNN, a surrogate without a partner, which no valid UTF-8 stands for, and
 * {@link encodeText} makes the same byte of it. So what was read can be sent back, the name of a service, say, or compared. For
 * people, `text.toWellFormed()` puts U+FFFD in its place, as consoles and files do by themselves.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

const ESCAPE = 0xdc00;
const REPLACEMENT = '\uFFFD';
const LONE = /[\uDC80-\uDCFF]/;

/** Reads a part of any Uint8Array as Latin-1, which is what ASCII is, too: one call, no intermediate object. */
const latin1 = Buffer.prototype.latin1Slice;

/** The C string in a field, which ends at its NUL, at the field's end, or with the bytes. */
export function decodeText(bytes: Uint8Array, offset = 0, size = bytes.length - offset): string {
  const limit = Math.min(offset + size, bytes.length);
  let end = offset;
  let all = 0;
  for (; end < limit; end++) {
    const byte = bytes[end] as number;
    if (byte === 0) break;
    all |= byte;
  }
  if (end === offset) return '';
  return all < 0x80 ? latin1.call(bytes, offset, end) : decodeUtf8(bytes.subarray(offset, end));
}

function decodeUtf8(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // U+FFFD may also have been there.
  if (!text.includes(REPLACEMENT)) return text;
  let escaped = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    escaped += length
      ? decoder.decode(bytes.subarray(at, at + length))
      : String.fromCharCode(ESCAPE | (bytes[at] as number));
    at += length || 1;
  }
  return escaped;
}

/** Length of the UTF-8 character that begins there, 0 if none does. */
function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const text = decoder.decode(bytes.subarray(at, at + length));
  const code = text.codePointAt(0) ?? 0;
  // One character of all these bytes, and not the decoder's word for "none".
  const isOne = text.length === (code > 0xffff ? 2 : 1) && (code !== 0xfffd || isReplacement(bytes, at));
  return isOne ? length : 0;
}

/** U+FFFD itself: EF BF BD. */
function isReplacement(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
}

/** UTF-8, without a terminating NUL; bytes that {@link decodeText} could not read are the same bytes again. */
export function encodeText(text: string): Uint8Array {
  if (!LONE.test(text)) return encoder.encode(text);
  // By code points, so that a surrogate that has its partner is left alone.
  const parts = [...text].map((character) => {
    const unit = character.codePointAt(0) as number;
    return unit >= 0xdc80 && unit <= 0xdcff ? Uint8Array.of(unit & 0xff) : encoder.encode(character);
  });
  return new Uint8Array(Buffer.concat(parts));
}
