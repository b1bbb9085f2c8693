// finit-shim where it is not wished well: started badly, a log that nobody reads, a service that says what cannot be, strangers.
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { shimPath } from '#src/shim/index.js';
import { launcher, other, pythonLauncher, scratch } from '../helpers/hostile.js';
import { eventually } from '../helpers/real-finit.js';
import { pythonService, startShim, steps } from '../helpers/shim.js';

const run = promisify(execFile);

test('a service is watched on while stderr is a full pipe that nobody reads', async (t) => {
  const program = pythonLauncher(
    t,
    `
r, w = os.pipe()
os.set_blocking(w, False)
try:
  while True: os.write(w, b'x' * 4096)
except BlockingIOError: pass
os.set_blocking(w, True)
os.set_inheritable(r, True)
os.dup2(w, 2)`,
  );
  const shim = startShim(t, ['--watchdog', '300ms'], pythonService(`s.send(b'READY=1')\ntime.sleep(1000)`), {
    program,
  });
  t.is((await shim.ended).signal, 'SIGABRT');
});

test('what the shim’s own writes raise is not passed on: SIGPIPE of a stderr without a reader', async (t) => {
  const { go, next } = steps(t);
  const shim = startShim(
    t,
    [],
    pythonService(`
import signal
heard = []
signal.signal(signal.SIGPIPE, lambda *_: heard.append('SIGPIPE'))
s.send(b'READY=1')
while not os.path.exists('${go}/closed'): time.sleep(0.02)
# The shim logs that, and says so of the barrier afterwards.
s.send(b'MAINPID=1')
r, w = os.pipe()
fds(b'BARRIER=1', w)
os.close(w)
os.read(r, 1)
time.sleep(0.5)
s.send(b'STATUS=heard %s' % ' '.join(heard).encode())
time.sleep(1000)`),
  );
  await shim.until(({ ready }) => ready);
  shim.process.stderr?.destroy();
  next('closed');
  t.is((await shim.until(({ status }) => status.startsWith('heard'))).status, 'heard ');
});

test('what the shim’s own writes raise is not passed on: SIGXFSZ of a status that is too long for the limit', async (t) => {
  const program = pythonLauncher(
    t,
    // Python ignores it.
    'signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))',
  );
  const shim = startShim(t, [], ['/bin/sh', '-c', 'sleep 0.5; exit 7'], { program });
  t.deepEqual(await shim.ended, { code: 7, signal: null });
});

test('the end is seen by a shim that was started with SIGCHLD ignored', async (t) => {
  const program = pythonLauncher(t, 'signal.signal(signal.SIGCHLD, signal.SIG_IGN)');
  const shim = startShim(t, [], ['/bin/sh', '-c', 'exit 7'], { program });
  t.deepEqual(await shim.ended, { code: 7, signal: null });
});

test('a pipe in place of the status file is not waited for', async (t) => {
  const program = launcher(t, '/bin/sh', `mkfifo "$2/.it.json.new"; exec ${shimPath()} "$@"`);
  const shim = startShim(t, [], ['/bin/sh', '-c', 'exit 7'], { program });
  t.is((await shim.ended).code, 7);
});

test('a thread is no main process: MAINPID with its number is not taken', async (t) => {
  const shim = startShim(
    t,
    [],
    pythonService(`
import threading
def thread():
  s.send(b'MAINPID=%d' % threading.get_native_id())
  time.sleep(0.3)
  os._exit(7)
threading.Thread(target=thread).start()`),
  );
  t.is((await shim.ended).code, 7);
  t.regex(shim.output(), /is none of its processes/);
});

test('a main process that names its successor and ends at once is not taken for the service’s end', async (t) => {
  // On one CPU, and in front of the shim, so that it hears of both at once.
  const program = pythonLauncher(t, 'os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})');
  const shim = startShim(
    t,
    [],
    pythonService(`
try: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except PermissionError: pass
successor = os.fork()
if successor == 0: time.sleep(1000)
if os.fork() == 0:
  main = os.fork()
  if main == 0:
    s.send(b'READY=1\\nMAINPID=%d' % os.getpid())
    time.sleep(0.3)
    s.send(b'MAINPID=%d\\nSTATUS=%d' % (successor, successor))
    os._exit(3)
  os.waitpid(main, 0)
  s.send(b'STATUS=')
  s.send(b'STATUS=it has ended')
time.sleep(1000)`),
    { program },
  );
  const status = await shim.until((seen) => seen.status === 'it has ended' || seen.state === 'exited');
  t.like(status, { state: 'ready', status: 'it has ended' });
  t.not(status.main, null);
});

test('--user: its name and home are what they were when /etc/passwd is written anew in place', async (t) => {
  const { go, next } = steps(t);
  chmodSync(go, 0o755);
  const passwd = join(scratch(t), 'passwd');
  writeFileSync(passwd, 'its-user:x:4242:4242::/its/home:/its/shell\n');
  const mount = `mount --bind ${passwd} /etc/passwd && exec ${shimPath()} "$@"`;
  const program = launcher(t, '/bin/sh', `exec unshare -m /bin/sh -c '${mount}' sh "$@"`);
  const script = `echo "$USER $HOME $SHELL"; while [ ! -e ${go}/end ]; do sleep 0.02; done; sleep 0.1`;
  const shim = startShim(t, ['--user', 'its-user', '--keep-alive'], ['/bin/sh', '-c', script], { program });
  await eventually(() => shim.output().includes('its-user'));
  writeFileSync(passwd, '');
  next('end');
  await eventually(() => shim.output().split('its-user /its/home /its/shell\n').length > 2);
  t.notRegex(shim.output(), /SIGBUS/);
});

test('a stranger’s socket that lingers does not keep the shim waiting', async (t) => {
  const shim = startShim(t, [], pythonService(`print(os.environ['NOTIFY_SOCKET'])\ntime.sleep(1000)`));
  await eventually(() => /@node-finit\S+/.test(shim.output()));
  const to = /@(node-finit\S+)/.exec(shim.output())?.[1];
  other(
    t,
    `
os.setuid(1)
listener = socket.create_server(('127.0.0.1', 0))
lingers = socket.create_connection(listener.getsockname())
lingers.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 1000))
peer, _ = listener.accept()
lingers.setblocking(False)
try:
  while True: lingers.send(b'x' * 65536)
except BlockingIOError: pass
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('\\0${to}')
s.sendmsg([b'X=1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [lingers.fileno()]))])
os.close(lingers.detach())
time.sleep(1000)`,
  );
  await eventually(() => /somebody who is not heard/.test(shim.output()));
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGTERM');
});

test('who replaces a socket in a folder of the service’s by a link gets nothing by it', async (t) => {
  const dir = scratch(t);
  const victim = join(dir, 'victim');
  writeFileSync(victim, 'root’s own', { mode: 0o600 });
  mkdirSync(join(dir, 'run'));
  chownSync(join(dir, 'run'), 1, 1);
  const path = join(dir, 'run/sock');
  other(
    t,
    `
os.setgid(1)
os.setuid(1)
while True:
  try:
    os.unlink('${path}')
    os.symlink('${victim}', '${path}')
  except OSError: pass`,
  );
  const once = `rm -f ${path}; ${shimPath()} --status-dir /proc/none --user 1:1 --listen unix:${path} /bin/true`;
  await run('/bin/sh', ['-c', `for i in $(seq 200); do ${once}; done 2>/dev/null; true`]);
  const { uid, mode } = statSync(victim);
  t.deepEqual({ uid, mode: mode & 0o777 }, { uid: 0, mode: 0o600 });
});
