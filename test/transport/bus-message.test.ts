import { createRequire } from 'node:module';
import test from 'ava';
import fc from 'fast-check';
import { decodeMessage, encodeCall, FIXED_HEADER, messageLength } from '#src/transport/bus-message.js';
import { properties } from '../helpers/fake-bus.js';

const codec = createRequire(import.meta.url)('dbus-native/lib/message.js') as { marshall(m: object): Buffer };
const variants = Object.entries(properties('web')).map(([key, value]) => [
  key,
  [typeof value === 'string' ? 's' : typeof value === 'number' ? 'u' : 'b', value],
]);
const reply = codec.marshall({ type: 2, serial: 1, replySerial: 7, signature: 'a{sv}', body: [variants] });

test('what is encoded is decoded, its length told by its beginning', (t) => {
  t.is(messageLength(reply.subarray(0, FIXED_HEADER)), reply.length);
  t.like(decodeMessage(reply), { type: 2, replySerial: 7, errorName: '', body: [properties('web')] });
  const call = encodeCall({ path: '/a', interface: 'b.c', member: 'D', signature: 'su', body: ['e', 5] }, 9);
  t.like(decodeMessage(call), { type: 1, interface: 'b.c', member: 'D', body: ['e', 5] });
  t.throws(() => encodeCall({ path: '/a', interface: 'b.c', member: 'D', signature: 's', body: ['\0'] }, 9));
});

test('text that is not UTF-8 survives', (t) => {
  const bytes = codec.marshall({
    type: 2,
    serial: 1,
    replySerial: 7,
    signature: 'as',
    body: [['ö', '', 'caf@']],
  });
  bytes[bytes.indexOf('@')] = 0xe9;
  const [texts] = decodeMessage(bytes).body;
  t.deepEqual(texts, ['ö', '', 'caf\udce9']);
});

test('any bytes are a message, or an error that can be caught', (t) => {
  const looks = (bytes: Buffer) => {
    if (bytes.length >= FIXED_HEADER) {
      const length = messageLength(bytes);
      t.true(length === undefined || (length >= FIXED_HEADER && length <= 256 * 1024));
    }
    try {
      t.true(Array.isArray(decodeMessage(bytes).body));
    } catch (error) {
      t.true(error instanceof Error);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => looks(Buffer.from(bytes))));
  const places = fc.array(fc.tuple(fc.nat(reply.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(places, fc.nat(reply.length), (changes, length) => {
      const bytes = Buffer.from(reply.subarray(0, length));
      for (const [at, value] of changes) if (at < length) bytes[at] = value;
      looks(bytes);
    }),
    { numRuns: 2000 },
  );
});
