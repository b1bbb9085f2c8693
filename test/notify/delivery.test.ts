// What may happen on the way: full queues, receivers that come and go, threads, barriers.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('a full queue is a result, and when it has been read the next one arrives', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket, 'mute');
  let sent = 0;
  let result = notify.status('0', { socket });
  while (result.outcome === 'sent' && sent < 1e6) {
    sent++;
    result = notify.status(String(sent), { socket });
  }
  t.true(sent > 0);
  t.like(result, { outcome: 'failed', error: { code: 'FINIT_NOTIFY_FAILED', errno: 'EAGAIN' } });
  t.like(notify.ready({ socket }), { outcome: 'failed', error: { errno: 'EAGAIN' } });
  // Waits for what it is about.
  const barrier = notify.barrier({ socket, timeout: 60_000 });
  receiver.listen();
  t.deepEqual(await barrier, { outcome: 'sent', supervisor: 'systemd' });
  for (let i = 0; i < sent; i++) t.is(await receiver.next(), `STATUS=${i}\n`);
  t.is(await receiver.next(), 'BARRIER=1\n');
  t.is(notify.ready({ socket }).outcome, 'sent');
  t.is(await receiver.next(), 'READY=1\n');
});

for (const [kind, address] of [
  ['path', (dir: string) => join(dir, 'notify')],
  ['abstract name', (dir: string) => `@${dir}`],
] as const)
  test(`a receiver that is replaced at the same ${kind} is found by the next message`, async (t) => {
    const dir = folder(t);
    const socket = address(dir);
    for (let turn = 0; turn < 3; turn++) {
      await t
        .try(async (attempt) => {
          const receiver = await receiveDatagrams(attempt as ExecutionContext, socket);
          attempt.is(notify.status(String(turn), { socket }).outcome, 'sent');
          attempt.is(await receiver.next(), `STATUS=${turn}\n`);
        })
        .then((attempt) => attempt.commit());
      // The receiver ends when the attempt does.
      while (notify.status('is it gone?', { socket }).outcome === 'sent')
        await new Promise((resolve) => setTimeout(resolve, 5));
      rmSync(socket, { force: true });
    }
  });

test('4096 bytes arrive, one more is refused, whatever they are made of', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  const room = 4096 - 'STATUS=\n'.length;
  for (const [unit, bytes] of [
    ['x', 1],
    ['ä', 2],
    ['€', 3],
    ['😀', 4],
  ] as const) {
    const fits = unit.repeat(Math.floor(room / bytes)) + 'x'.repeat(room % bytes);
    t.is(notify.status(fits, { socket }).outcome, 'sent');
    t.is(Buffer.from(await receiver.next(), 'latin1').toString(), `STATUS=${fits}\n`);
    for (const more of ['x', unit, unit.repeat(3), unit.repeat(5000)])
      t.like(notify.status(fits + more, { socket }), {
        outcome: 'failed',
        error: { code: 'FINIT_NOTIFY_FAILED', errno: 'EMSGSIZE' },
      });
  }
});

test('lone surrogates do not make a message that is no UTF-8', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  t.is(notify.status('a\ud800b', { socket }).outcome, 'sent');
  t.is(Buffer.from(await receiver.next(), 'latin1').toString(), 'STATUS=a\ufffdb\n');
});

test('to finit READY goes alone and first, to others all is one message', async (t) => {
  const finit = `@run/finit/notify/${4194304 + process.pid}`;
  const receiver = await receiveDatagrams(t, finit);
  const fds = [openSync('/dev/null', 'r')];
  t.teardown(() => fds.forEach(closeSync));
  const said = { ready: true, status: 'a text that is longer than what finit reads', mainPid: 5, fds };
  t.deepEqual(notify.send(said, { socket: finit }), { outcome: 'sent', supervisor: 'finit' });
  t.deepEqual(await receiver.nextWithFiles(), { text: 'READY=1\n', files: [] });
  const { text, files } = await receiver.nextWithFiles();
  t.is(text, 'STATUS=a text that is longer than what finit reads\nMAINPID=5\nFDSTORE=1\n');
  t.is(files.length, 1);
  const systemd = join(folder(t), 'notify');
  const other = await receiveDatagrams(t, systemd);
  t.deepEqual(notify.send(said, { socket: systemd }), { outcome: 'sent', supervisor: 'systemd' });
  t.is((await other.nextWithFiles()).text, `READY=1\n${text}`);
  notify.send({ ready: true }, { socket: systemd });
  t.is(await other.next(), 'READY=1\n');
  t.throws(() => notify.send({}, { socket: systemd }), { code: 'FINIT_INVALID_ARGUMENT' } as never);
});

test('descriptors go out whatever kind of array they are in', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  for (const tell of [
    () => notify.storeFds(new Proxy([1, 2], {}), { socket }),
    () => notify.send({ fds: new Proxy([1, 2], {}) }, { socket }),
  ]) {
    t.is(tell().outcome, 'sent');
    t.is((await receiver.nextWithFiles()).files.length, 2);
  }
});

test('a descriptor that is not open is a result, and the connection survives it', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  for (let i = 0; i < 3; i++) {
    t.like(notify.storeFds([999_999], { socket }), { outcome: 'failed', error: { errno: 'EBADF' } });
    t.is(notify.status('fine', { socket }).outcome, 'sent');
    t.is(await receiver.next(), 'STATUS=fine\n');
  }
});

test('results that say the same are the same object, and nobody can change them', async (t) => {
  const socket = join(folder(t), 'notify');
  await receiveDatagrams(t, socket);
  t.is(notify.ready({ socket }), notify.status('x', { socket }));
  t.true(Object.isFrozen(notify.ready({ socket })));
  t.is(notify.ready({ socket: '' }), notify.status('x', { socket: '' }));
  t.true(Object.isFrozen(notify.ready({ socket: '' })));
});

test('several threads at once lose and mix nothing', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  const each = 200;
  const script = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(${JSON.stringify(projectNotify)}).then(async ({ status }) => {
      for (let i = 0; i < ${each};) {
        if (status(workerData + ' ' + i + ' ' + 'x'.repeat(500)).outcome === 'sent') i++;
        else await new Promise((resolve) => setTimeout(resolve, 1));
      }
      parentPort.postMessage('done');
    });`;
  const names = ['a', 'b', 'c', 'd'];
  const workers = names.map(
    (workerData) => new Worker(script, { eval: true, workerData, env: { NOTIFY_SOCKET: socket } }),
  );
  const next = Object.fromEntries(names.map((name) => [name, 0]));
  for (let i = 0; i < each * names.length; i++) {
    const [, name = '', number] = /^STATUS=(\w) (\d+) x{500}\n$/.exec(await receiver.next()) ?? [];
    t.is<number | undefined, number | undefined>(Number(number), next[name]);
    next[name] = (next[name] ?? 0) + 1;
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
});

/** What a process of its own says: that NOTIFY_SOCKET changes is seen by native code only in a main thread. */
async function said(t: ExecutionContext, script: string, socket: string): Promise<string> {
  const main = `import * as notify from ${JSON.stringify(projectNotify)}; ${script}`;
  const child = spawn(
    'sh',
    ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', main],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket },
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  let all = '';
  for await (const chunk of child.stdout) all += chunk;
  return all.trim();
}

test('going from one supervisor to another, and back, holds no descriptors', async (t) => {
  const socket = `@node-finit-several-${process.pid}`;
  const other = `${socket}-other`;
  const receivers = [await receiveDatagrams(t, socket), await receiveDatagrams(t, other)];
  t.is(receivers.length, 2);
  // Of the 100 descriptors that it may have; nothing collects the garbage of so short a loop, which leaves the event loop no turn.
  const script = `
    const both = [${JSON.stringify(socket)}, ${JSON.stringify(other)}];
    const outcomes = new Set();
    const tell = (options) => {
      let result;
      do result = notify.status('x', options); while (result.error?.errno === 'EAGAIN');
      outcomes.add(result.error?.message ?? result.outcome);
    };
    for (let i = 0; i < 200; i++) {
      tell({ socket: both[i % 2] });
      process.env.NOTIFY_SOCKET = both[i % 2];
      tell();
      notify.use({ socket: both[i % 2] });
      tell();
      notify.use(undefined);
      tell();
      notify.unset();
      tell();
    }
    console.log(...outcomes);`;
  t.is(await said(t, script, socket), 'sent');
});

test('a barrier that waits for a full queue goes on where it was, also after unset()', async (t) => {
  const socket = `@node-finit-barrier-unset-${process.pid}`;
  await receiveDatagrams(t, socket, 'mute');
  // That it has not been answered is the deadline's, and no other failure.
  const script = `
    while (notify.status('more').outcome === 'sent');
    const barrier = notify.barrier({ timeout: 300 });
    notify.unset();
    console.log((await barrier).error.code, notify.ready().error.errno);`;
  t.is(await said(t, script, socket), 'FINIT_TIMEOUT EAGAIN');
});

test('a barrier without a descriptor to spare says why', async (t) => {
  const socket = `@node-finit-barrier-fds-${process.pid}`;
  await receiveDatagrams(t, socket);
  const script = `
    import { openSync } from 'node:fs';
    console.log(notify.ready().outcome);
    try { for (;;) openSync('/dev/null', 'r'); } catch {}
    const { error } = await notify.barrier();
    console.log(error.code, error.errno, error.message);`;
  t.is(await said(t, script, socket), 'sent\nFINIT_SYSTEM EMFILE No pipe for the barrier: EMFILE');
});

test('a barrier that nobody answers is over at its deadline, or when it is aborted', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket, 'keep');
  t.like(await notify.barrier({ socket, timeout: 20 }), {
    outcome: 'failed',
    error: { code: 'FINIT_TIMEOUT', path: socket },
  });
  const abort = new AbortController();
  const waiting = notify.barrier({ socket, timeout: 60_000, signal: abort.signal });
  await receiver.next();
  await receiver.next();
  abort.abort(new Error('enough'));
  t.like(await waiting, {
    outcome: 'failed',
    error: { code: 'FINIT_ABORTED', cause: { message: 'enough' } },
  });
  t.like(await notify.barrier({ socket, signal: abort.signal }), { error: { code: 'FINIT_ABORTED' } });
});

test('a barrier is answered when the receiver is gone, and is a result where there is none', async (t) => {
  const socket = join(folder(t), 'nobody');
  t.like(await notify.barrier({ socket }), { outcome: 'failed', error: { errno: 'ENOENT' } });
  t.deepEqual(await notify.barrier({ socket: '' }), { outcome: 'not-supervised' });
  for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5'])
    await t.throwsAsync(() => notify.barrier({ timeout: timeout as number }), {
      code: 'FINIT_INVALID_ARGUMENT',
    } as never);
  await t.throwsAsync(() => notify.barrier({ signal: {} as never }), {
    code: 'FINIT_INVALID_ARGUMENT',
  } as never);
});

test.serial('many barriers at once are all answered, and leave no descriptors behind', async (t) => {
  const socket = join(folder(t), 'notify');
  const receiver = await receiveDatagrams(t, socket);
  const lowest = () => {
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    return fd;
  };
  await notify.barrier({ socket });
  await receiver.next();
  const before = lowest();
  const results = await Promise.all(
    Array.from({ length: 30 }, () => notify.barrier({ socket, timeout: 60_000 })),
  );
  t.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['sent']));
  t.is(lowest(), before);
});
