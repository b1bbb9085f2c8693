import test from 'ava';
import fc from 'fast-check';
import { decodeInotifyEvents, IN } from '#src/protocol/inotify.js';

function encode(wd: number, mask: number, cookie: number, name: string, padding = 1): Buffer {
  const text = Buffer.from(name);
  const length = text.length === 0 ? 0 : text.length + padding;
  const bytes = Buffer.alloc(16 + length);
  bytes.writeInt32LE(wd, 0);
  bytes.writeUInt32LE(mask, 4);
  bytes.writeUInt32LE(cookie, 8);
  bytes.writeUInt32LE(length, 12);
  text.copy(bytes, 16);
  return bytes;
}

test('events are decoded one after the other, without the padding of their names', (t) => {
  const bytes = Buffer.concat([
    encode(1, IN.CREATE | IN.ISDIR, 0, 'web', 13),
    encode(1, IN.DELETE_SELF, 0, ''),
    encode(-1, IN.Q_OVERFLOW, 0, ''),
  ]);
  t.deepEqual(decodeInotifyEvents(bytes), [
    { wd: 1, mask: 0x40000100, cookie: 0, name: 'web' },
    { wd: 1, mask: IN.DELETE_SELF, cookie: 0, name: '' },
    { wd: -1, mask: IN.Q_OVERFLOW, cookie: 0, name: '' },
  ]);
});

test('what was encoded comes back', (t) => {
  const event = fc.record({
    wd: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    mask: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    cookie: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    name: fc.string({ unit: fc.constantFrom(...'abcä/:.@'), maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), fc.integer({ min: 1, max: 16 }), (events, padding) => {
      const bytes = Buffer.concat(events.map((e) => encode(e.wd, e.mask, e.cookie, e.name, padding)));
      t.deepEqual(decodeInotifyEvents(bytes), events);
    }),
  );
});

test('any bytes give whole events, and nothing is read outside of them', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 16 }), (bytes, offset) => {
      const inside = bytes.subarray(Math.min(offset, bytes.length));
      const events = decodeInotifyEvents(inside);
      t.true(events.length * 16 <= inside.length);
    }),
  );
});
