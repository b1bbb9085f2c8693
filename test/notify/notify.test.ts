import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as notify from '#src/notify/index.js';
import { receiveDatagrams } from '../helpers/datagrams.js';

const { ready, status, stopping } = notify;
const projectNotify = import.meta.resolve('#src/notify/index.js');

function folder(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-notify-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

for (const [what, call] of [
  ['ready()', ready],
  ['status()', (options: { socket: string }) => status('fine', options)],
  ['stopping()', stopping],
] as const) {
  test(`${what} without a supervisor says so`, (t) => {
    t.deepEqual(call({ socket: '' }), { outcome: 'not-supervised' });
  });

  test(`${what} to a supervisor that is gone fails, and does not throw`, (t) => {
    const socket = join(folder(t), 'nobody');
    t.like(call({ socket }), {
      outcome: 'failed',
      error: { code: 'FINIT_NOTIFY_FAILED', errno: 'ENOENT', path: socket },
    });
  });

  for (const socket of [
    'relative/path',
    '@',
    '-3',
    '3.5',
    '0x3',
    'vsock:2',
    'vsock::1',
    'vsock:4294967295:1',
    'vsock:2:99999999999',
  ])
    test(`${what} says that it cannot reach ${socket}`, (t) => {
      t.like(call({ socket }), { outcome: 'failed', error: { code: 'FINIT_UNSUPPORTED' } });
    });
}

test("nobody at finit's abstract address is tried for a moment, then failed", (t) => {
  const result = ready({ socket: '@run/finit/notify/999999999' });
  t.like(result, { outcome: 'failed', error: { code: 'FINIT_NOTIFY_FAILED', errno: 'ECONNREFUSED' } });
  t.regex(result.outcome === 'failed' ? result.error.message : '', /network namespace/);
});

/** Outcome and number of attempts of ready() with an addon whose attempts give these results, the last one for ever. */
function readyWithResults(t: ExecutionContext, socket: string, results: number[], times = 1): string {
  const addon = join(folder(t), 'addon.cjs');
  const script = `let calls = 0;
    const results = ${JSON.stringify(results)};
    exports.notifySocket = () => () => results[Math.min(calls++, results.length - 1)];
    exports.calls = () => calls;`;
  writeFileSync(addon, script);
  const main = `
    import { createRequire } from 'node:module';
    const { ready } = await import(${JSON.stringify(projectNotify)});
    let result;
    for (let i = 0; i < ${times}; i++) result = ready();
    console.log(result.outcome, createRequire('/')(${JSON.stringify(addon)}).calls(), result.error?.code);`;
  const env = { ...process.env, NODE_FINIT_ADDON: addon, NOTIFY_SOCKET: socket };
  const argv = ['--input-type=module', '-e', main];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', env }).stdout.trim();
}

const { ECONNREFUSED, EAGAIN, EACCES } = constants.errno;

test('finit that binds its socket late is still reached', (t) => {
  const late = [...Array(10).fill(-ECONNREFUSED), 0];
  t.is(readyWithResults(t, '@run/finit/notify/42', late), 'sent 11 undefined');
});

test('finit that never binds its socket is given up', (t) => {
  t.is(readyWithResults(t, '@run/finit/notify/42', [-ECONNREFUSED]), 'failed 26 FINIT_NOTIFY_FAILED');
});

test('finit that was waited for in vain is not waited for again', (t) => {
  t.is(readyWithResults(t, '@run/finit/notify/42', [-ECONNREFUSED], 10), 'failed 35 FINIT_NOTIFY_FAILED');
});

test('any other supervisor is there or not', (t) => {
  t.is(readyWithResults(t, '/run/systemd/notify', [-ECONNREFUSED, 0]), 'failed 1 FINIT_NOTIFY_FAILED');
  t.is(readyWithResults(t, '@other', [-ECONNREFUSED, 0]), 'failed 1 FINIT_NOTIFY_FAILED');
});

test('a full queue and a refusal are told apart', (t) => {
  t.is(readyWithResults(t, '@run/finit/notify/42', [-EAGAIN]), 'failed 1 FINIT_NOTIFY_FAILED');
  t.is(readyWithResults(t, '/run/systemd/notify', [-EACCES]), 'failed 1 FINIT_ACCESS_DENIED');
});

test("a socket with a name like finit's is finit, another is taken for systemd", async (t) => {
  const path = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, path);
  t.deepEqual(ready({ socket: path }), { outcome: 'sent', supervisor: 'systemd' });
  t.is(await receiver.next(), 'READY=1\n');
  const abstract = `@run/finit/notify/${8388608 + process.pid}`;
  const finit = await receiveDatagrams(t, abstract);
  t.deepEqual(ready({ socket: abstract }), { outcome: 'sent', supervisor: 'finit' });
  t.is(await finit.next(), 'READY=1\n');
});

test('READY=1 has a datagram of its own, whatever was said before and after', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  const long = 'x'.repeat(200);
  status(long, { socket });
  ready({ socket });
  status(long, { socket });
  stopping({ socket });
  const messages = [
    await receiver.next(),
    await receiver.next(),
    await receiver.next(),
    await receiver.next(),
  ];
  t.deepEqual(messages, [`STATUS=${long}\n`, 'READY=1\n', `STATUS=${long}\n`, 'STOPPING=1\n']);
});

test('a status that is too long for a message fails, and does not throw', async (t) => {
  const socket = join(folder(t), 'notify');
  await receiveDatagrams(t, socket);
  t.like(status('x'.repeat(4_000_000), { socket }), {
    outcome: 'failed',
    error: { code: 'FINIT_NOTIFY_FAILED', errno: 'EMSGSIZE' },
  });
});

test('a status of more than a line is a mistake, supervised or not', (t) => {
  for (const socket of ['', '/nonexistent', '5'])
    t.throws(() => status('a\nREADY=1', { socket }), { code: 'FINIT_INVALID_ARGUMENT' });
});

test("a descriptor that is not finit's socket is never written to", (t) => {
  const file = join(folder(t), 'innocent');
  const fd = openSync(file, 'w');
  t.like(ready({ socket: String(fd) }), {
    outcome: 'failed',
    error: { code: 'FINIT_NOTIFY_FAILED', errno: 'ENOTSOCK' },
  });
  closeSync(fd);
  t.is(readFileSync(file, 'utf8'), '');
  t.like(ready({ socket: '9999' }), {
    outcome: 'failed',
    error: { code: 'FINIT_NOTIFY_FAILED', errno: 'EBADF' },
  });
  t.like(ready({ socket: '1' }), { outcome: 'failed', error: { code: 'FINIT_NOTIFY_FAILED' } });
});

test('on an inherited descriptor READY=1 is sent, and nothing that would be taken for it', (t) => {
  // What a child of finit 4.12 sees: one end of a connected SEQPACKET pair, its number in NOTIFY_SOCKET.
  const python = `
import os, socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
theirs.set_inheritable(True)
env = dict(os.environ, NOTIFY_SOCKET=str(theirs.fileno()))
said = subprocess.run(sys.argv[1:], env=env, pass_fds=[theirs.fileno()], check=True, capture_output=True, text=True).stdout
theirs.close()
messages = []
while True:
    message = ours.recv(1024)
    if not message: break
    messages.append(message.decode())
print(repr(messages), said)`;
  const script = `
const { ready, status, stopping } = await import(${JSON.stringify(projectNotify)});
console.log([status('up to 31 bytes are read'), stopping(), ready(), ready()]
  .map((result) => result.error?.code ?? result.outcome + ' to ' + result.supervisor).join(', '));`;
  const argv = ['-c', python, process.execPath, '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync('python3', argv, { encoding: 'utf8' });
  t.is(
    stdout.trim(),
    "['READY=1\\n', 'READY=1\\n'] not-understood to finit, not-understood to finit, sent to finit, sent to finit",
    stderr,
  );
});

test('without NOTIFY_SOCKET, and where there is no Linux, the addon is not even loaded', (t) => {
  const run = (before: string, environment: Record<string, string>) => {
    const script = `
      ${before}
      const { ready, status, stopping } = await import(${JSON.stringify(projectNotify)});
      console.log(ready().outcome, status('x').outcome, stopping().outcome);`;
    // An addon that does not load would make "failed" of each of them.
    const env = { PATH: process.env.PATH, NODE_FINIT_ADDON: '/nonexistent.node', ...environment };
    const argv = ['--input-type=module', '-e', script];
    return spawnSync(process.execPath, argv, { encoding: 'utf8', env }).stdout.trim();
  };
  const nowhere = 'not-supervised not-supervised not-supervised';
  t.is(run('', {}), nowhere);
  t.is(run('', { NOTIFY_SOCKET: '' }), nowhere);
  t.is(
    run(`Object.defineProperty(process, 'platform', { value: 'darwin' });`, { NOTIFY_SOCKET: '/x' }),
    nowhere,
  );
  t.is(run('', { NOTIFY_SOCKET: '/x' }), 'failed failed failed');
});

test('whatever is not what it should be is refused with the same code', async (t) => {
  const refused = { code: 'FINIT_INVALID_ARGUMENT' } as never;
  const unprintable = Object.create(null);
  for (const [what, call] of Object.entries({
    send: () => notify.send({ ready: true, sattus: 'x' } as never),
    'send of null': () => notify.send(null as never),
    'send of a string': () => notify.send('READY=1' as never),
    fields: () => notify.send({ fields: null } as never),
    'fields of a number': () => notify.send({ ready: true, fields: 5 } as never),
    access: () => notify.access(5n as never),
    removeFds: () => notify.removeFds(5n as never),
    errno: () => notify.errno(unprintable),
    watchdogTimeout: () => notify.watchdogTimeout(unprintable),
    socket: () => notify.ready({ socket: 5 as never }),
    'socket of null': () => notify.status('x', { socket: null as never }),
    'socket of an object': () => notify.send({ ready: true }, { socket: {} as never }),
    storeFds: () => notify.storeFds([1], { nmae: 'x' } as never),
    'storeFds of null': () => notify.storeFds([1], null as never),
    listenFds: () => notify.listenFds({ unsett: true } as never),
    'listenFds of null': () => notify.listenFds(null as never),
  }))
    t.throws(call, refused, what);
  await t.throwsAsync(notify.barrier({ timout: 5 } as never), refused);
  await t.throwsAsync(notify.barrier(null as never), refused);
  await t.throwsAsync(notify.barrier({ timeout: 2 ** 31 - 0.5 }), refused);
  t.is(
    t.throws(() => notify.send({ ready: true, sattus: 'x' } as never)).message,
    'A notification knows no "sattus", did you mean status?',
  );
});
