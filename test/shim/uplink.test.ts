// finit-shim with a supervisor that is not there, or makes no sense: the service runs on.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../helpers/real-finit.js';
import { nodeService, startShim } from '../helpers/shim.js';

const dir = mkdtempSync(join(tmpdir(), 'node-finit-uplink-'));
test.before(() => {
  mkdirSync(join(dir, 'directory'));
  writeFileSync(join(dir, 'file'), 'innocent');
});
test.after.always(() => {
  rmSync(dir, { recursive: true, force: true });
});

for (const [what, socket, said] of [
  ['points nowhere', join(dir, 'nobody'), /did not reach the supervisor: No such file/],
  ['is a directory', join(dir, 'directory'), /did not reach the supervisor: Connection refused/],
  ['is a regular file', join(dir, 'file'), /did not reach the supervisor: Connection refused/],
  ['leads through a file', join(dir, 'file/socket'), /did not reach the supervisor: Not a directory/],
  [
    'is a name that nobody has',
    `@node-finit-nobody-${process.pid}`,
    /did not reach the supervisor: Connection/,
  ],
  ['is finit’s of a process that is gone', '@run/finit/notify/999999999', /did not reach finit: Connection/],
  ['is too long', `/${'x'.repeat(200)}`, /neither a path nor a @name nor a number: nobody is told/],
  ['is relative', 'relative/path', /neither a path nor a @name nor a number: nobody is told/],
  ['is a number below 0', '-3', /neither a path nor a @name nor a number: nobody is told/],
  [
    'is the number of what is no socket of finit',
    '1',
    /descriptor 1, and that is not finit's socket: nobody is told/,
  ],
  ['is nobody’s number', '777', /descriptor 777, and that is not finit's socket: nobody is told/],
  [
    'is a number beyond all',
    '18446744073709551617',
    /neither a path nor a @name nor a number: nobody is told/,
  ],
] as const)
  test(`a NOTIFY_SOCKET that ${what} is said, and the service runs`, async (t) => {
    const shim = startShim(t, [], nodeService(`notify.ready(); setInterval(() => {}, 1e6);`), { socket });
    t.like(await shim.until(({ ready }) => ready), { state: 'ready' });
    await eventually(() => said.test(shim.output()));
    shim.process.kill('SIGTERM');
    t.deepEqual(await shim.ended, { code: null, signal: 'SIGTERM' });
    t.is(readFileSync(join(dir, 'file'), 'utf8'), 'innocent');
  });

test('what the supervisor has told the shim of watchdogs and sockets is not the service’s', async (t) => {
  const command = ['/bin/sh', '-c', 'env | grep -E "^(WATCHDOG|LISTEN)_" | sort -r; echo that is all'];
  const told = {
    WATCHDOG_USEC: '0',
    WATCHDOG_PID: '1',
    LISTEN_FDS: '5',
    LISTEN_PID: '1',
    LISTEN_FDNAMES: 'a',
  };
  const without = startShim(t, [], command, { env: told });
  await without.ended;
  t.is(without.output(), 'that is all\n');
  const watched = startShim(t, ['--watchdog', '100s'], command, { env: { ...told, WATCHDOG_USEC: '-1' } });
  await watched.ended;
  t.regex(watched.output(), /^WATCHDOG_USEC=100000000\nWATCHDOG_PID=[0-9]+\nthat is all\n$/);
});
