import test from 'ava';
import fc from 'fast-check';
import { decodeText, encodeText } from '#src/protocol/text.js';

const bytesWithoutNul = fc.uint8Array({ maxLength: 60 }).map((bytes) => bytes.map((byte) => byte || 1));
/** Bytes that are nearly UTF-8. */
const nearlyUtf8 = fc
  .array(fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.integer({ min: 0x80, max: 0xff })), {
    maxLength: 12,
  })
  .map((parts) =>
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'number' ? Buffer.of(part) : Buffer.from(part.replaceAll('\0', '')),
      ),
    ),
  );

test('text that is UTF-8 is what it means', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      fc.pre(!text.includes('\0'));
      return decodeText(Buffer.from(text)) === text;
    }),
  );
  t.is(decodeText(Buffer.from('Grüße ☃ 日本 🐟 \uFEFF\uFFFD')), 'Grüße ☃ 日本 🐟 \uFEFF\uFFFD');
});

test('any bytes are the same bytes again when they are sent back', (t) => {
  fc.assert(
    fc.property(fc.oneof(bytesWithoutNul, nearlyUtf8), (bytes) =>
      Buffer.from(encodeText(decodeText(bytes))).equals(bytes),
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('bytes that are not UTF-8 stand out, and no text is mistaken for them', (t) => {
  t.is(decodeText(Uint8Array.of(0x61, 0xff, 0x62)), 'a\uDCFFb');
  // Cut within a character, as finit does.
  t.is(decodeText(Buffer.from('日本').subarray(0, 5)), '日\uDCE6\uDC9C');
  t.is(decodeText(Uint8Array.of(0xf0, 0x9f, 0x98, 0x41)), '\uDCF0\uDC9F\uDC98A');
  // Overlong, a surrogate, beyond the last code point.
  t.is(decodeText(Uint8Array.of(0xc0, 0xaf)), '\uDCC0\uDCAF');
  t.is(decodeText(Uint8Array.of(0xed, 0xb3, 0xbf)), '\uDCED\uDCB3\uDCBF');
  t.is(decodeText(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)), '\uDCF4\uDC90\uDC80\uDC80');
  t.is(decodeText(Buffer.from('\uFFFD\xff', 'latin1')), '\uDCFD\uDCFF');
  t.is(decodeText(Buffer.concat([Buffer.from('\uFFFD'), Buffer.of(0xff)])), '\uFFFD\uDCFF');
});

test('any text can be sent, a surrogate that is not one of ours as U+FFFD', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      Buffer.from(encodeText(text)).equals(Buffer.from(text)),
    ),
  );
  t.deepEqual(Buffer.from(encodeText('🐟\uD800')), Buffer.from('🐟\uFFFD'));
  t.deepEqual(Buffer.from(encodeText('🐟\uDCFF')), Buffer.concat([Buffer.from('🐟'), Buffer.of(0xff)]));
});

test('a text ends at its NUL, at the end of its field, or with the bytes', (t) => {
  const bytes = Buffer.from('abc\0def');
  t.is(decodeText(bytes), 'abc');
  t.is(decodeText(bytes, 4), 'def');
  t.is(decodeText(bytes, 4, 2), 'de');
  t.is(decodeText(bytes, 5, 100), 'ef');
  t.is(decodeText(bytes, 3), '');
  t.is(decodeText(bytes, 100), '');
  t.is(decodeText(bytes.subarray(1), 0, 2), 'bc');
});
