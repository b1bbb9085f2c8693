// finit-shim under ASan and UBSan: its parser with any bytes, and the whole of it at work.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { projectRoot } from '../helpers/project.js';
import { startShim } from '../helpers/shim.js';

const run = promisify(execFile);
const native = join(projectRoot, 'native/shim');
const FLAGS = ['-std=gnu17', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-fno-omit-frame-pointer'];
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

test('the whole of the shim runs without memory errors', async (t) => {
  t.timeout(180_000);
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-san-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, 'finit-shim');
  const sources = readFileSync(join(native, 'sources.txt'), 'utf8').trim().split('\n');
  await run('cc', [...FLAGS, ...SANITIZE, '-o', program, ...sources.map((file) => join(native, file))]);
  const body = `
import os, socket, random, array
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])
random.seed(7)
words = [b'READY=1', b'RELOADING=1', b'MONOTONIC_USEC=1', b'STATUS=x', b'STATUS=' + b'\\xc3\\x28' * 600, b'ERRNO=5', b'MAINPID=1', b'WATCHDOG=1',
  b'WATCHDOG_USEC=18446744073709551615', b'WATCHDOG_USEC=9223372036854775807', b'EXTEND_TIMEOUT_USEC=18446744073709551616', b'EXTEND_TIMEOUT_USEC=9999999999999999999',
  b'FDSTORE=1', b'FDNAME=a', b'FDNAME=' + b'n' * 300, b'FDSTOREREMOVE=1', b'FDPOLL=0', b'NOTIFYACCESS=all', b'BARRIER=1', b'X_OWN=1', b'=', b'\\0', b'']
null = os.open('/dev/null', os.O_RDONLY)
for i in range(20000):
  text = b'\\n'.join(random.choice(words) for _ in range(random.randrange(6)))
  if random.random() < 0.5:
    text = bytearray(text + b' ')
    for _ in range(random.randrange(8)): text[random.randrange(len(text))] = random.randrange(256)
    if b'trigger' in text or b'NOTIFYACCESS' in text: continue
  fds = [null] * random.choice([0, 0, 0, 0, 1, 3, 253])
  s.sendmsg([bytes(text)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])
s.send(b'WATCHDOG_USEC=0\\nSTATUS=the end')
import time
time.sleep(1000)`;
  const options = [
    '--keep-alive',
    '--watchdog',
    '1h',
    '--start-timeout',
    '1h',
    '--listen',
    'tcp:127.0.0.1:0',
  ];
  const shim = startShim(t, options, ['/usr/bin/python3', '-c', body], {
    program,
    env: { ASAN_OPTIONS: 'detect_leaks=0' },
  });
  await shim.until(({ status }) => status === 'the end');
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGTERM');
  t.notRegex(shim.output(), /AddressSanitizer|runtime error/);
});

test('the shim calls nothing that allocates, so that it has nothing to leak', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-nm-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const sources = readFileSync(join(native, 'sources.txt'), 'utf8').trim().split('\n');
  await run('cc', ['-std=gnu17', '-c', ...sources.map((file) => join(native, file))], { cwd: dir });
  const { stdout } = await run('nm', ['-u', '-P', ...readdirSync(dir)], { cwd: dir });
  const called = new Set(stdout.split('\n').map((line) => line.split(' ')[0]));
  // One that it does call, to see that this looks at its calls.
  t.true(called.has('recvmsg'));
  const allocating =
    /^(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|fopen|fdopen|opendir|fdopendir|scandir|getline|getpw.*|getgr.*|initgroups|setenv|putenv|qsort)$/;
  t.deepEqual(
    [...called].filter((name) => name && allocating.test(name)),
    [],
  );
});
