// s6, dinit, vsock and the shim; use(), unset() and supervisor.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import * as notify from '#src/notify/index.js';
import { receiveDatagrams } from '../helpers/datagrams.js';

const projectNotify = import.meta.resolve('#src/notify/index.js');

function folder(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-notify-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Child {
  /** What stood on descriptor 3 until it was closed. */
  heard: string;
  /** What the script has logged. */
  said: string;
}

/** Runs a script with a pipe as descriptor 3, as s6 and dinit give it. It has `notify` and `say`. */
async function withPipe(script: string, args: string[], env: Record<string, string> = {}): Promise<Child> {
  const main = `
    import * as notify from ${JSON.stringify(projectNotify)};
    const say = (...results) => console.log(results.map((result) => result?.error?.code ?? result?.outcome ?? result).join(' '));
    ${script}`;
  const argv = ['--input-type=module', '-e', main, '--', ...args];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  const collect = async (from: AsyncIterable<Buffer>) => {
    let all = '';
    for await (const chunk of from) all += chunk;
    return all;
  };
  const [said, heard] = await Promise.all([
    collect(child.stdout as AsyncIterable<Buffer>),
    collect(child.stdio[3] as unknown as AsyncIterable<Buffer>),
  ]);
  return { heard, said: said.trim() };
}

const everything = `
  const { kind, address, understands } = notify.supervisor;
  say(kind, address, understands);
  say(notify.status('x'), notify.ready(), notify.ready(), notify.stopping(), await notify.barrier());`;
const inTurn = 'not-understood sent not-understood not-understood not-understood';

for (const [what, script, args, env, kind] of [
  ['use({ s6 })', 'notify.use({ s6: 3 });', [], {}, 's6'],
  ['--s6-fd 3', '', ['--s6-fd', '3'], {}, 's6'],
  ['--s6-fd=3', '', ['--s6-fd=3'], {}, 's6'],
  ['--s6-fd before NOTIFY_SOCKET', '', ['--s6-fd', '3'], { NOTIFY_SOCKET: '/nonexistent' }, 's6'],
  ['NOTIFY_FD', '', [], { NOTIFY_FD: '3' }, 's6'],
  ['use({ dinit: 3 })', 'notify.use({ dinit: 3 });', [], {}, 'dinit'],
  ["use({ dinit: 'READY_PIPE' })", "notify.use({ dinit: 'READY_PIPE' });", [], { READY_PIPE: '3' }, 'dinit'],
] as const)
  test(`with ${what} one newline says that it is ready, and nothing else is sent`, async (t) => {
    const { heard, said } = await withPipe(`${script}${everything}`, [...args], env);
    t.is(heard, '\n');
    t.is(said, `${kind} 3 READY\n${inTurn}`);
  });

test('the pipe is closed by READY, and its number is nobody else’s then', async (t) => {
  const { heard, said } = await withPipe(
    `import { openSync, readlinkSync } from 'node:fs';
     notify.ready();
     say(readlinkSync('/proc/self/fd/3'), openSync('/dev/zero', 'r') === 3, notify.ready());
     // Would keep the pipe open for longer than the test waits, had it been inherited.
     const { spawn } = await import('node:child_process');
     const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
     sleeper.unref();
     say(sleeper.pid);`,
    ['--s6-fd', '3'],
  );
  const [result, sleeper] = said.split('\n');
  process.kill(Number(sleeper), 'SIGKILL');
  t.is(heard, '\n');
  t.is(result, '/dev/null false not-understood');
});

test('arguments behind -- are not for us, nor is what is no number', async (t) => {
  const { heard, said } = await withPipe('say(notify.supervisor.kind, notify.ready());', [
    '--',
    '--s6-fd',
    '3',
  ]);
  t.deepEqual([heard, said], ['', 'none not-supervised']);
  const other = await withPipe('say(notify.ready());', ['--s6-fd', 'x', '--s6-fd=']);
  t.deepEqual([other.heard, other.said], ['', 'not-supervised']);
});

test('a descriptor that is no pipe is never written to', async (t) => {
  const { said } = await withPipe(
    `import { openSync, readFileSync, writeFileSync } from 'node:fs';
     const file = process.argv.at(-1);
     const fd = openSync(file, 'w');
     notify.use({ s6: fd });
     say(notify.ready(), readFileSync(file, 'utf8').length);
     notify.use({ dinit: 999 });
     say(notify.ready());
     notify.use({ dinit: 'NO_SUCH_VARIABLE' });
     say(notify.ready());`,
    [join(folder(t), 'file')],
  );
  t.is(said, 'FINIT_NOTIFY_FAILED 0\nFINIT_NOTIFY_FAILED\nnot-supervised');
});

for (const [number, args, env] of [
  ['4294967299', ['--s6-fd', '4294967299'], {}],
  ['18446744073709551616', [], { NOTIFY_FD: '18446744073709551616' }],
  ['4294967299', [], { NOTIFY_SOCKET: '4294967299' }],
] as const)
  test(`${number} is no descriptor, and not that of its lower bits: ${JSON.stringify([args, env])}`, async (t) => {
    const { heard, said } = await withPipe(
      `import { readlinkSync } from 'node:fs';
       const there = () => [0, 3].map((fd) => readlinkSync('/proc/self/fd/' + fd)).join();
       const before = there();
       say(notify.ready(), there() === before);
       const { error } = notify.ready();
       say(error.errno);`,
      [...args],
      env,
    );
    t.is(heard, '');
    t.is(said, 'FINIT_NOTIFY_FAILED true\nEBADF');
  });

test('use() refuses what is nothing, and unheard-of addresses', (t) => {
  for (const wrong of [
    {},
    { s6: 2 },
    { s6: -1 },
    { s6: 3.5 },
    { dinit: 0 },
    { s6: 'x' },
    { s6: '0x10' },
    { s6: ' 9' },
    { s6: '1e1' },
    { s6: [9] },
    { s6: Symbol('9') },
    { dinit: { of: 5n } },
    { s6: 2 ** 32 + 3 },
    5,
    5n,
    null,
  ])
    t.throws(() => notify.use(wrong as never), { code: 'FINIT_INVALID_ARGUMENT' } as never, inspect(wrong));
  t.throws(() => notify.use({ socket: 'relative' }), { code: 'FINIT_UNSUPPORTED' } as never);
});

test('console.log() shows what the supervisor is', (t) => {
  t.is(inspect({ ...notify.supervisor }), inspect(notify.supervisor));
  t.regex(inspect(notify.supervisor), /^\{ kind: '[a-z0-9]+', address: /);
  t.deepEqual(Object.keys(notify.supervisor), ['kind', 'address', 'understands']);
});

test.serial('use({ socket }) is taken before the environment, until it is taken back', async (t) => {
  const [one, other] = [join(folder(t), 'one'), join(folder(t), 'other')];
  const [first, second] = [await receiveDatagrams(t, one), await receiveDatagrams(t, other)];
  process.env.NOTIFY_SOCKET = one;
  t.teardown(() => delete process.env.NOTIFY_SOCKET);
  notify.status('1');
  notify.use({ socket: other });
  t.is(notify.supervisor.address, other);
  notify.status('2');
  notify.use(undefined);
  notify.status('3');
  t.deepEqual([await first.next(), await first.next()], ['STATUS=1\n', 'STATUS=3\n']);
  t.is(await second.next(), 'STATUS=2\n');
});

test.serial('NOTIFY_SOCKET counts as it is at each call', async (t) => {
  const sockets = [join(folder(t), 'one'), `@node-finit-two-${process.pid}`];
  const receivers = await Promise.all(sockets.map((socket) => receiveDatagrams(t, socket)));
  t.teardown(() => delete process.env.NOTIFY_SOCKET);
  for (const turn of ['1', '2'])
    for (const socket of sockets) {
      process.env.NOTIFY_SOCKET = socket;
      t.is(notify.supervisor.address, socket);
      t.deepEqual(notify.status(turn), { outcome: 'sent', supervisor: 'systemd' });
    }
  // With nothing said in between that looks at it.
  for (const socket of sockets) {
    process.env.NOTIFY_SOCKET = socket;
    for (let i = 0; i < 2; i++) t.is(notify.status(`${socket} ${i}`).outcome, 'sent');
  }
  delete process.env.NOTIFY_SOCKET;
  t.is(notify.ready().outcome, 'not-supervised');
  t.is(notify.supervisor.kind, 'none');
  t.deepEqual(notify.supervisor.understands, []);
  for (const [i, receiver] of receivers.entries())
    for (const wanted of ['1', '2', `${sockets[i]} 0`, `${sockets[i]} 1`])
      t.is(await receiver.next(), `STATUS=${wanted}\n`);
});

test.serial(
  'a status is the same by the short way, which NOTIFY_SOCKET has from the second call on',
  async (t) => {
    const socket = join(folder(t), 'notify');
    const receiver = await receiveDatagrams(t, socket);
    process.env.NOTIFY_SOCKET = socket;
    t.teardown(() => delete process.env.NOTIFY_SOCKET);
    const room = 4096 - 'STATUS=\n'.length;
    t.is(notify.status('').outcome, 'sent');
    t.is(await receiver.next(), 'STATUS=\n');
    for (const text of ['€ 1', 'a\ud800b', 'x'.repeat(room), 'ä'.repeat(room / 2), '😀'.repeat(room / 4)]) {
      t.is(notify.status(text).outcome, 'sent');
      t.is(
        Buffer.from(await receiver.next(), 'latin1').toString(),
        `STATUS=${text.replace('\ud800', '\ufffd')}\n`,
      );
    }
    for (const text of ['x'.repeat(room + 1), `${'ä'.repeat(room / 2)}x`, '😀'.repeat(5000)])
      t.like(notify.status(text), { outcome: 'failed', error: { errno: 'EMSGSIZE' } });
    for (const wrong of ['a\nREADY=1', 'a\r', '\0', 'x\0'.repeat(3000), 7, null, undefined, {}, Symbol('x')])
      t.throws(() => notify.status(wrong as string), { code: 'FINIT_INVALID_ARGUMENT' } as never);
    t.is(notify.status('still there').outcome, 'sent');
    t.is(await receiver.next(), 'STATUS=still there\n');
  },
);

test.serial('a worker’s NOTIFY_SOCKET is its own', async (t) => {
  const sockets = ['main', 'worker'].map((name) => join(folder(t), name));
  const [main, worker] = await Promise.all(sockets.map((socket) => receiveDatagrams(t, socket)));
  process.env.NOTIFY_SOCKET = sockets[0];
  t.teardown(() => delete process.env.NOTIFY_SOCKET);
  const script = `import(${JSON.stringify(projectNotify)}).then((notify) => {
    const { workerData, parentPort } = require('node:worker_threads');
    notify.status('to main');
    process.env.NOTIFY_SOCKET = workerData;
    notify.status('to worker');
    delete process.env.NOTIFY_SOCKET;
    parentPort.postMessage(notify.status('to nobody').outcome);
  });`;
  const thread = new Worker(script, { eval: true, workerData: sockets[1] });
  t.is(await new Promise((resolve) => thread.once('message', resolve)), 'not-supervised');
  t.is(notify.status('main').outcome, 'sent');
  t.is(await main?.next(), 'STATUS=to main\n');
  t.is(await main?.next(), 'STATUS=main\n');
  t.is(await worker?.next(), 'STATUS=to worker\n');
});

test.serial('after unset() children know nothing of it, and we still do', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  process.env.NOTIFY_SOCKET = socket;
  notify.unset();
  t.false('NOTIFY_SOCKET' in process.env);
  t.is(notify.status('still there').outcome, 'sent');
  t.is(await receiver.next(), 'STATUS=still there\n');
  notify.unset();
  t.is(notify.supervisor.address, socket);
  notify.use(undefined);
  t.is(notify.supervisor.kind, 'none');
  process.env.NOTIFY_SOCKET = 'nonsense';
  notify.unset();
  t.is(notify.ready().outcome, 'not-supervised');
  notify.use(undefined);
});

test('unset() keeps an inherited descriptor from children, and leaves it to us', async (t) => {
  const { heard, said } = await withPipe(
    `import { spawnSync } from 'node:child_process';
     const inherited = () => spawnSync('sh', ['-c', 'test -p /proc/self/fd/3']).status === 0;
     notify.unset();
     say(inherited(), process.env.NOTIFY_FD, notify.ready());`,
    [],
    { NOTIFY_FD: '3' },
  );
  t.deepEqual([heard, said], ['\n', 'false  sent']);
});

test('FINIT_SHIM tells the shim from systemd', (t) => {
  const run = (env: Record<string, string>) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { supervisor } from ${JSON.stringify(projectNotify)};
         console.log(supervisor.kind, supervisor.understands.includes('WATCHDOG'));`,
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
    ).stdout.trim();
  t.is(run({ NOTIFY_SOCKET: '/run/x', FINIT_SHIM: '1' }), 'shim true');
  t.is(run({ NOTIFY_SOCKET: '@x', FINIT_SHIM: '1' }), 'shim true');
  t.is(run({ NOTIFY_SOCKET: '/run/x' }), 'systemd true');
  t.is(run({ NOTIFY_SOCKET: '@run/finit/notify/7', FINIT_SHIM: '1' }), 'finit false');
  t.is(run({ NOTIFY_SOCKET: '7' }), 'finit false');
  t.is(run({ FINIT_SHIM: '1' }), 'none false');
});

for (const socket of ['vsock:1:9', 'vsock-stream:1:9', 'vsock-dgram:1:9', 'vsock-seqpacket:1:9'])
  test(`nobody at ${socket} is a result`, (t) => {
    t.like(notify.ready({ socket }), { outcome: 'failed', error: { path: socket } });
  });

test('what is in the way of a socket is a result', (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'directory'));
  writeFileSync(join(dir, 'file'), 'innocent');
  for (const [socket, errno] of [
    [join(dir, 'directory'), 'ECONNREFUSED'],
    [join(dir, 'file'), 'ECONNREFUSED'],
    ['/dev/null', 'ECONNREFUSED'],
    [join(dir, 'nobody'), 'ENOENT'],
    ['/dev/null/x', 'ENOTDIR'],
    [`/${'x'.repeat(200)}`, 'ENAMETOOLONG'],
    [`@${'x'.repeat(200)}`, 'ENAMETOOLONG'],
  ] as const)
    t.like(notify.ready({ socket }), { outcome: 'failed', error: { code: 'FINIT_NOTIFY_FAILED', errno } });
  t.is(readFileSync(join(dir, 'file'), 'utf8'), 'innocent');
});

test('once another thread may write to the environment, native code does not look at it any more', (t) => {
  const addon = join(folder(t), 'addon.cjs');
  // Whether the function is to watch the environment: getenv() does not survive a thread that adds to it.
  writeFileSync(
    addon,
    'exports.notifySocket = (address, environment) => { console.log(environment !== undefined); return () => 0; };',
  );
  const main = `
    import * as notify from ${JSON.stringify(projectNotify)};
    for (let i = 0; i < 3; i++) notify.status('alone');
    const { SHARE_ENV, Worker } = process.getBuiltinModule('node:worker_threads');
    new Worker('', { eval: true, env: SHARE_ENV });
    for (let i = 0; i < 3; i++) notify.status('not alone');`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', main], {
    encoding: 'utf8',
    env: { ...process.env, NODE_FINIT_ADDON: addon, NOTIFY_SOCKET: '@nobody' },
  });
  t.deepEqual([status, stdout], [0, 'true\nfalse\n']);
});
