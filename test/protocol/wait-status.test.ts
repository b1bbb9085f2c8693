import test from 'ava';
import { decodeWaitStatus } from '#src/protocol/wait-status.js';

test('an exit status and a signal are told apart', (t) => {
  t.deepEqual(decodeWaitStatus(0), { code: 0 });
  t.deepEqual(decodeWaitStatus(0x300), { code: 3 });
  t.deepEqual(decodeWaitStatus(0xff00), { code: 255 });
  t.deepEqual(decodeWaitStatus(15), { signal: 'SIGTERM' });
  // With a core dump.
  t.deepEqual(decodeWaitStatus(0x80 | 6), { signal: 'SIGABRT' });
  t.deepEqual(decodeWaitStatus(34), { signal: 'SIG34' });
});

test('a stopped or continued process has not ended', (t) => {
  t.is(decodeWaitStatus(0x137f), undefined);
  t.is(decodeWaitStatus(0xffff), undefined);
});
