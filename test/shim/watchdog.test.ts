// finit-shim: deadlines.
import test from 'ava';
import { receiveDatagrams } from '../helpers/datagrams.js';
import { eventually } from '../helpers/real-finit.js';
import { nodeService, startShim } from '../helpers/shim.js';

test('a service that stops pinging is aborted, and its last status is logged', async (t) => {
  const shim = startShim(
    t,
    ['--watchdog', '2s'],
    nodeService(`
const ping = setInterval(() => notify.status('ping') && notify.send({ watchdog: true }), 200);
notify.ready();
setTimeout(() => { clearInterval(ping); notify.status('about to hang'); }, 2500);
setInterval(() => {}, 1e6);`),
  );
  t.deepEqual(await shim.ended, { code: null, signal: 'SIGABRT' });
  t.regex(
    shim.output(),
    /it: has not sent WATCHDOG=1 for 2\.000 s, SIGABRT follows\. Its last status: about to hang/,
  );
  t.like(shim.status(), { state: 'exited', exit: { signal: 'SIGABRT' }, watchdog: { missed: 1 } });
});

test('one that does not end by that is killed, with --watchdog-signal first', async (t) => {
  const shim = startShim(
    t,
    ['--watchdog', '300ms', '--watchdog-signal', 'USR1', '--abort-timeout', '2s'],
    nodeService(`
process.on('SIGUSR1', () => say('asked'));
setInterval(() => {}, 1e6);
notify.ready();`),
  );
  t.is((await shim.ended).signal, 'SIGKILL');
  t.regex(shim.output(), /asked/);
});

test('a ping that is read after its time, as the shim was stopped, counts, and leaves the status readable', async (t) => {
  const shim = startShim(
    t,
    ['--watchdog', '2s'],
    [
      '/usr/bin/python3',
      '-c',
      `
import os, signal, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])
s.send(b'READY=1')
time.sleep(0.3)
os.kill(os.getppid(), signal.SIGSTOP)
s.send(b'WATCHDOG=1\\nSTATUS=after')
time.sleep(3)
os.kill(os.getppid(), signal.SIGCONT)
time.sleep(1000)`,
    ],
  );
  const { watchdog } = await shim.until(({ status }) => status === 'after');
  t.is(watchdog?.margin, 0);
});

test('a stopped service is ended too', async (t) => {
  const shim = startShim(
    t,
    ['--watchdog', '300ms'],
    nodeService(`notify.ready(); process.kill(process.pid, 'SIGSTOP');`),
  );
  t.is((await shim.ended).signal, 'SIGABRT');
});

test('EXTEND_TIMEOUT_USEC gives it longer, WATCHDOG=trigger ends it at once', async (t) => {
  const shim = startShim(
    t,
    ['--watchdog', '500ms'],
    nodeService(`
notify.send({ ready: true, extendTimeout: 60000 });
await sleep(1500);
notify.status('still there');
await sleep(300);
notify.send({ watchdog: 'trigger' });
setInterval(() => {}, 1e6);`),
  );
  t.is((await shim.ended).signal, 'SIGABRT');
  t.regex(shim.output(), /by WATCHDOG=trigger, SIGABRT follows\. Its last status: still there/);
});

test('--start-timeout ends who is not ready, EXTEND_TIMEOUT_USEC puts it off', async (t) => {
  const slow = startShim(t, ['--start-timeout', '300ms'], ['/bin/sleep', '1000']);
  t.is((await slow.ended).signal, 'SIGTERM');
  t.regex(slow.output(), /has not said READY=1 for \d+\.\d{3} s, SIGTERM follows/);

  const extended = startShim(
    t,
    ['--start-timeout', '5s'],
    nodeService(
      `notify.send({ extendTimeout: 60000 }); await sleep(6000); notify.ready(); setInterval(() => {}, 1e6);`,
    ),
  );
  t.is((await extended.until(({ state }) => state !== 'starting')).state, 'ready');
});

test('SIGHUP: finit is told again, for who speaks when it says so, for who does not soon', async (t) => {
  const address = `@node-finit-test/${process.pid}/reload`;
  const receiver = await receiveDatagrams(t, address);
  const shim = startShim(
    t,
    [],
    nodeService(`
let speaks = false;
process.on('SIGHUP', async () => {
  if (speaks) {
    notify.send({ reloading: true });
    await sleep(1000);
    notify.status('reloaded');
    notify.ready();
  } else {
    speaks = true;
    say('heard');
  }
});
notify.ready();
setInterval(() => {}, 1e6);`),
    { socket: address },
  );
  t.is(await receiver.next(), 'READY=1\n');
  shim.process.kill('SIGHUP');
  t.is(await receiver.next(), 'READY=1\n');
  t.is((await shim.until(({ state }) => state === 'ready')).state, 'ready');
  await eventually(() => shim.output().includes('heard\n'));
  shim.process.kill('SIGHUP');
  let first = await receiver.next();
  // On a machine that is too busy for it to speak within half a second, finit is told for it once more.
  if (first === 'READY=1\n') first = await receiver.next();
  t.regex(first, /^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n$/);
  t.is(await receiver.next(), 'STATUS=reloaded\n');
  t.is(await receiver.next(), 'READY=1\n');
});

test('a service that says late that it reloads is told apart from one that never says so', async (t) => {
  const address = `@node-finit-test/${process.pid}/late-reload`;
  const receiver = await receiveDatagrams(t, address);
  const shim = startShim(
    t,
    [],
    nodeService(`
process.on('SIGHUP', async () => {
  await sleep(1500);
  notify.reloading();
  notify.status('reloaded');
  notify.ready();
});
notify.ready();
setInterval(() => {}, 1e6);`),
    { socket: address },
  );
  const said = [/^READY=1\n$/, /^RELOADING=1\n/, /^STATUS=reloaded\n$/, /^READY=1\n$/];
  t.regex(await receiver.next(), said[0] as RegExp);
  await shim.until(({ ready }) => ready);
  shim.process.kill('SIGHUP');
  // Told for it after half a second, as nobody knows yet that it speaks.
  for (const word of said) t.regex(await receiver.next(), word);
  shim.process.kill('SIGHUP');
  // The status is what it was.
  for (const word of [/^RELOADING=1\n/, /^READY=1\n$/]) t.regex(await receiver.next(), word);
});

test('RELOADING=1 of a service that was never ready does not make it so for finit', async (t) => {
  const address = `@node-finit-test/${process.pid}/early`;
  const receiver = await receiveDatagrams(t, address);
  const shim = startShim(
    t,
    ['--reload-timeout', '100ms'],
    nodeService(
      `notify.reloading(); await sleep(1000); notify.status('still starting'); setInterval(() => {}, 1e6);`,
    ),
    { socket: address },
  );
  t.is(await receiver.next(), 'STATUS=still starting\n');
  t.like(await shim.until(({ status }) => status !== ''), { state: 'starting', ready: false });
});

test('--reload-command is run in place of SIGHUP, and its end is the reload’s', async (t) => {
  const address = `@node-finit-test/${process.pid}/command`;
  const receiver = await receiveDatagrams(t, address);
  const shim = startShim(
    t,
    ['--reload-command', 'echo reload of $MAINPID; kill -0 $MAINPID'],
    nodeService(`process.on('SIGHUP', () => process.exit(1)); notify.ready(); setInterval(() => {}, 1e6);`),
    { socket: address },
  );
  t.is(await receiver.next(), 'READY=1\n');
  const { main } = await shim.until(({ ready }) => ready);
  shim.process.kill('SIGHUP');
  t.is(await receiver.next(), 'READY=1\n');
  await eventually(() => shim.output().includes(`reload of ${main?.pid}\n`));
});
