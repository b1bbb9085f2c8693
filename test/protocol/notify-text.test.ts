import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import { encodeStatus, READY, STOPPING } from '#src/protocol/notify-text.js';

test('READY=1 stands alone on its line and fits what finit reads', (t) => {
  t.is(READY, 'READY=1\n');
  t.true(READY.length <= 31);
  t.is(STOPPING, 'STOPPING=1\n');
});

test('a status is one assignment, or refused', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        const lines = encodeStatus(text).split(/[\n\r\0]/);
        return lines.length === 2 && lines[0] === `STATUS=${text}` && lines[1] === '';
      } catch (error) {
        return isFinitError(error, 'FINIT_INVALID_ARGUMENT') && /[\n\r\0]/.test(text);
      }
    }),
  );
  t.pass();
});

test('readiness cannot be smuggled into a status', (t) => {
  for (const text of ['x\nREADY=1', 'x\r\nREADY=1', 'x\0READY=1'])
    t.true(
      isFinitError(
        t.throws(() => encodeStatus(text)),
        'FINIT_INVALID_ARGUMENT',
      ),
    );
});
