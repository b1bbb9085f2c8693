// finit-shim that is asked for something at the wrong moment: while the service ends, is restarted, cannot be, or reloads already.
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { receiveDatagrams } from '../helpers/datagrams.js';
import { other, pythonLauncher } from '../helpers/hostile.js';
import { eventually } from '../helpers/real-finit.js';
import { pythonService, startShim, steps } from '../helpers/shim.js';

const run = promisify(execFile);

test('the status of a service that has ended is not overwritten by who asks for its end then', async (t) => {
  const { go, next } = steps(t);
  const script = `while [ ! -e ${go}/end ]; do sleep 0.02; done; exit 3`;
  const shim = startShim(t, ['--stop-signal', 'PWR'], ['/bin/sh', '-c', script]);
  const { main } = await shim.until((status) => status.main !== null);
  const state = async (pid?: number) => (await run('/bin/ps', ['-o', 'stat=', '-p', String(pid)])).stdout[0];
  shim.process.kill('SIGSTOP');
  await eventually(async () => (await state(shim.process.pid)) === 'T');
  next('end');
  await eventually(async () => (await state(main?.pid)) === 'Z');
  shim.process.kill('SIGPWR');
  shim.process.kill('SIGCONT');
  t.deepEqual(await shim.ended, { code: 3, signal: null });
});

test('asking for the end over and over does not put off SIGKILL', async (t) => {
  const script = 'trap "" TERM; echo deaf; while :; do sleep 0.05; done';
  const shim = startShim(t, ['--stop-timeout', '1s'], ['/bin/sh', '-c', script]);
  await eventually(() => shim.output().includes('deaf'));
  await eventually(() => {
    shim.process.kill('SIGTERM');
    return shim.process.signalCode !== null;
  });
  t.is((await shim.ended).signal, 'SIGKILL');
});

test('--ready listening: a reload while the service is ended and restarted is not owed to finit for ever', async (t) => {
  const { go, next } = steps(t);
  const address = `@node-finit-test/${process.pid}/owed`;
  const receiver = await receiveDatagrams(t, address);
  const shim = startShim(
    t,
    ['--ready', 'listening', '--listen', 'tcp:127.0.0.1:0', '--keep-alive'],
    pythonService(`
import signal
signal.signal(signal.SIGABRT, lambda *_: None)
if not os.path.exists('${go}/end'): s.send(b'WATCHDOG=trigger')
while not os.path.exists('${go}/end'): time.sleep(0.02)
s.send(b'STATUS=again')
time.sleep(1000 if os.path.exists('${go}/second') else 0)
open('${go}/second', 'w')`),
    { socket: address },
  );
  t.is(await receiver.next(), 'READY=1\n');
  await shim.until(({ state }) => state === 'aborting');
  shim.process.kill('SIGHUP');
  next('end');
  for (;;) {
    const said = await receiver.next();
    if (said === 'READY=1\n') break;
    t.is(said, 'STATUS=again\n');
  }
  t.is((await shim.until(({ restarts }) => restarts > 0)).ready, false);
});

test('SIGHUP while --reload-command runs has it run once more', async (t) => {
  const { go, next } = steps(t);
  const command = `echo run; while [ ! -e ${go}/end ]; do sleep 0.02; done`;
  const shim = startShim(
    t,
    ['--reload-command', command],
    pythonService(`s.send(b'READY=1')\ntime.sleep(1000)`),
  );
  const runs = () => shim.output().split('run\n').length - 1;
  await shim.until(({ ready }) => ready);
  shim.process.kill('SIGHUP');
  await eventually(() => runs() === 1);
  shim.process.kill('SIGHUP');
  shim.process.kill('SIGHUP');
  next('end');
  await eventually(() => runs() === 2);
  await shim.until(({ state }) => state === 'ready');
  t.is(runs(), 2);
});

test('--reload-command that calls itself the main process is run the next time too', async (t) => {
  const say = `import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(chr(0) + os.environ["NOTIFY_SOCKET"][1:])
s.send(b"MAINPID=%d" % os.getpid())`;
  const shim = startShim(
    t,
    ['--keep-alive', '--reload-command', `echo run; exec /usr/bin/python3 -c '${say}'`],
    pythonService(`s.send(b'READY=1')\ntime.sleep(1000)`),
  );
  for (const time of [1, 2]) {
    await shim.until(({ ready, restarts }) => ready && restarts === time - 1);
    shim.process.kill('SIGHUP');
    await eventually(() => shim.output().split('run\n').length - 1 === time);
  }
  t.pass();
});

test('--keep-alive: a service that gets ready and ends at once does not keep the machine busy', async (t) => {
  const shim = startShim(
    t,
    ['--keep-alive'],
    pythonService(`print('life', time.monotonic_ns(), flush=True)\ns.send(b'READY=1')`),
  );
  const lives = () => [...shim.output().matchAll(/^life ([0-9]+)\n/gm)].map(([, at]) => Number(at) / 1e6);
  await eventually(() => lives().length > 6);
  const [first = 0, ...more] = lives();
  t.true((more.at(-1) ?? 0) - first > more.length * 100, lives().join(' '));
});

test('--keep-alive: a restart waits when there are too many processes', async (t) => {
  const { go, next } = steps(t);
  chmodSync(go, 0o755);
  const uid = 20_000 + (process.pid % 10_000);
  const program = pythonLauncher(
    t,
    `os.setgroups([])\nos.setgid(${uid})\nos.setuid(${uid})\nresource.setrlimit(resource.RLIMIT_NPROC, (2, 2))`,
  );
  const shim = startShim(
    t,
    ['--keep-alive'],
    pythonService(`
print('alive')
if os.path.exists('${go}/crowd'): time.sleep(1000)
while not os.path.exists('${go}/crowd'): time.sleep(0.02)`),
    { program },
  );
  await eventually(() => shim.output().includes('alive'));
  const leave = other(t, `os.setuid(${uid})\ntime.sleep(1000)`);
  await eventually(
    async () =>
      (await run('/bin/ps', ['-o', 'pid=', '-U', String(uid)])).stdout.trim().split('\n').length === 3,
  );
  next('crowd');
  await eventually(() => shim.output().includes('cannot be restarted now'));
  leave();
  await eventually(() => shim.output().split('alive\n').length === 3);
  t.is(shim.process.exitCode, null);
});
