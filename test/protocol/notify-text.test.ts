import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import {
  encodeNotification,
  encodeStatus,
  encodeStoreFds,
  type Notification,
  READY,
  STOPPING,
} from '#src/protocol/notify-text.js';

const now = () => 123456789n;
const encode = (said: Notification) => encodeNotification(said, now);

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

test('all of it has the names and units of sd_notify(3)', (t) => {
  t.is(
    encode({
      reloading: true,
      stopping: true,
      status: 'half way',
      errno: 2,
      busError: 'org.freedesktop.DBus.Error.TimedOut',
      exitStatus: 255,
      mainPid: 4711,
      watchdog: true,
      watchdogTimeout: 2500,
      extendTimeout: 0.5,
      fds: [3, 4],
      fdName: 'web sockets',
      fdPoll: false,
      access: 'exec',
      fields: { X_MINE: 'a=b', X_2: '' },
    }),
    'RELOADING=1\nMONOTONIC_USEC=123456789\nSTOPPING=1\nSTATUS=half way\nERRNO=2\n' +
      'BUSERROR=org.freedesktop.DBus.Error.TimedOut\nEXIT_STATUS=255\nMAINPID=4711\nWATCHDOG=1\nWATCHDOG_USEC=2500000\n' +
      'EXTEND_TIMEOUT_USEC=500\nFDSTORE=1\nFDNAME=web sockets\nFDPOLL=0\nNOTIFYACCESS=exec\nX_MINE=a=b\nX_2=\n',
  );
  t.is(encode({ watchdog: 'trigger' }), 'WATCHDOG=trigger\n');
  t.is(encode({ removeFds: 'old' }), 'FDSTOREREMOVE=1\nFDNAME=old\n');
  t.is(encode({ watchdogTimeout: 0 }), 'WATCHDOG_USEC=0\n');
  t.is(encodeStoreFds({}), 'FDSTORE=1\n');
  t.is(encodeStoreFds({ poll: true }), 'FDSTORE=1\n');
});

test('READY=1 is left to who sends it', (t) => {
  t.is(encode({ ready: true }), '');
  t.is(encode({ ready: true, status: 'x' }), 'STATUS=x\n');
});

const wrong: Record<string, unknown>[] = [
  {},
  { ready: false },
  { ready: 1 },
  { ready: true, reloading: true },
  { ready: true, stopping: true },
  { status: 5 },
  { status: 'x\nREADY=1' },
  { status: 'x\r\nREADY=1' },
  { status: 'x\0READY=1' },
  { errno: -1 },
  { errno: 1.5 },
  { errno: '2' },
  { busError: 'TimedOut' },
  { busError: 'a.b\nREADY=1' },
  { busError: `a.${'b'.repeat(300)}` },
  { exitStatus: 256 },
  { mainPid: 0 },
  { mainPid: Number.NaN },
  { watchdog: false },
  { watchdog: 'kill' },
  { watchdogTimeout: -1 },
  { watchdogTimeout: 1e20 },
  { watchdogTimeout: '5s' },
  { extendTimeout: 0 },
  { extendTimeout: Number.POSITIVE_INFINITY },
  { fds: [] },
  { fds: [-1] },
  { fds: [1.5] },
  { fds: '3' },
  { fds: Array(254).fill(0) },
  { fds: [0], fdName: 'a:b' },
  { fds: [0], fdName: 'ä' },
  { fds: [0], fdName: '' },
  { fds: [0], fdName: 'x'.repeat(256) },
  { fds: [0], fdName: 'x\nREADY=1' },
  { fdName: 'x' },
  { fdPoll: false },
  { fds: [0], removeFds: 'x' },
  { removeFds: '' },
  { access: 'some' },
  { fields: { READY: '1' } },
  { fields: { 'X_A\nREADY': '1' } },
  { fields: { X_: '1' } },
  { fields: { X_a: '1' } },
  { fields: { X_A: 'a\nREADY=1' } },
  { fields: { X_A: 1 } },
];

test('what makes no sense is refused, and readiness cannot be smuggled in', (t) => {
  for (const said of wrong)
    t.true(
      isFinitError(
        t.throws(() => encode(said as Notification)),
        'FINIT_INVALID_ARGUMENT',
      ),
      JSON.stringify(said),
    );
  for (const said of [undefined, null, 'READY=1'])
    t.throws(() => encode(said as never), { code: 'FINIT_INVALID_ARGUMENT' } as never);
});

test('whatever is said, each line is an assignment of one that was meant', (t) => {
  const text = fc.string({ unit: 'binary' });
  const said = fc.record(
    {
      stopping: fc.constant(true),
      status: text,
      errno: fc.nat(),
      watchdogTimeout: fc.double({ min: 0, max: 1e9, noNaN: true }),
      fields: fc.dictionary(fc.stringMatching(/^X_[A-Z]{1,5}$/).map(String), text),
    },
    { requiredKeys: ['stopping'] },
  );
  const names: Record<string, RegExp> = {
    stopping: /^STOPPING=1$/,
    status: /^STATUS=/,
    errno: /^ERRNO=\d+$/,
    watchdogTimeout: /^WATCHDOG_USEC=\d+$/,
  };
  fc.assert(
    fc.property(said, (notification) => {
      let lines: string[];
      try {
        lines = encode(notification).split('\n');
      } catch (error) {
        return isFinitError(error, 'FINIT_INVALID_ARGUMENT');
      }
      const expected = Object.keys(notification).filter((key) => key !== 'fields').length;
      return (
        lines.pop() === '' &&
        lines.length === expected + Object.keys(notification.fields ?? {}).length &&
        lines.every(
          (line) =>
            /^X_[A-Z]+=/.test(line) ||
            Object.entries(names).some(([key, pattern]) => key in notification && pattern.test(line)),
        )
      );
    }),
  );
  t.pass();
});
