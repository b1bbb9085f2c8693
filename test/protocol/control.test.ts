import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import {
  Command,
  DATA_LENGTH,
  decodeAnswer,
  decodeMessage,
  encodeRequest,
  REQUEST_LENGTH,
} from '#src/protocol/control.js';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const data = fc
  .string({ unit: 'grapheme', maxLength: 90 })
  .filter((text) => !text.includes('\0') && Buffer.byteLength(text) < DATA_LENGTH);

test('a request is the struct of finit.h, byte for byte', (t) => {
  const bytes = Buffer.from(encodeRequest(Command.start, { data: 'web api:1' }));
  t.is(bytes.length, 384);
  // INIT_MAGIC, cmd, runlevel, sleeptime, data[368]
  t.is(bytes.subarray(0, 16).toString('hex'), `69190903${'0a000000'}${'00000000'}${'00000000'}`);
  t.is(bytes.subarray(16, 26).toString('latin1'), 'web api:1\0');
  t.true(bytes.subarray(26).every((byte) => byte === 0));
});

test('what is encoded is decoded again', (t) => {
  fc.assert(
    fc.property(int32, int32, int32, data, (command, runlevel, sleeptime, text) => {
      const message = decodeMessage(encodeRequest(command, { runlevel, sleeptime, data: text }));
      t.deepEqual(message, { command, runlevel, sleeptime, data: text });
    }),
  );
});

test('text that does not fit, or holds a NUL, is not sent', (t) => {
  t.notThrows(() => encodeRequest(Command.start, { data: 'x'.repeat(367) }));
  for (const text of ['x'.repeat(368), 'é'.repeat(184), 'a\0b'])
    t.true(
      isFinitError(
        t.throws(() => encodeRequest(Command.start, { data: text })),
        'FINIT_INVALID_ARGUMENT',
      ),
    );
});

test('numbers that are no int32 are not sent', (t) => {
  for (const runlevel of [2 ** 31, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.true(
      isFinitError(
        t.throws(() => encodeRequest(Command.signal, { runlevel })),
        'FINIT_INVALID_ARGUMENT',
      ),
    );
});

test('ACK is yes, NACK is no, and anything else is no answer', (t) => {
  t.true(decodeAnswer(encodeRequest(Command.ack)).ok);
  t.false(decodeAnswer(encodeRequest(Command.nack)).ok);
  t.true(
    isFinitError(
      t.throws(() => decodeAnswer(encodeRequest(Command.reload))),
      'FINIT_BAD_REPLY',
    ),
  );
});

test('any bytes are a message or FINIT_BAD_REPLY', (t) => {
  const lengths = fc.oneof(fc.nat(600), fc.constant(REQUEST_LENGTH));
  const bytes = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(bytes, fc.boolean(), (some, withMagic) => {
      if (withMagic) some.set([0x69, 0x19, 0x09, 0x03].slice(0, some.length));
      try {
        decodeMessage(some);
        return withMagic && some.length === REQUEST_LENGTH;
      } catch (error) {
        return isFinitError(error, 'FINIT_BAD_REPLY') && !(withMagic && some.length === REQUEST_LENGTH);
      }
    }),
  );
  t.pass();
});

test('a message with the wrong length or magic says what it has', (t) => {
  t.regex(t.throws(() => decodeMessage(new Uint8Array(385))).message, /385/);
  t.regex(t.throws(() => decodeMessage(new Uint8Array(384).fill(0xab))).message, /0xabababab/);
});
