// What a directory can stand in for: the files are written here as finit writes them. What finit itself does is in
// test/integration/conditions.test.ts.
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  type ConditionChange,
  clear,
  get,
  list,
  set,
  wait,
  watch,
  watchGeneration,
} from '#src/conditions/index.js';
import { isFinitError } from '#src/errors.js';

function fakeRunDir(t: ExecutionContext, withTree = true): { runDir: string; cond: string } {
  const runDir = mkdtempSync(join(tmpdir(), 'node-finit-cond-'));
  t.teardown(() => rmSync(runDir, { recursive: true, force: true }));
  const cond = join(runDir, 'cond');
  if (withTree) {
    mkdirSync(join(cond, 'usr'), { recursive: true });
    writeFileSync(join(cond, 'reconf'), '1\n');
  }
  return { runDir, cond };
}

const put = (cond: string, name: string, text: string): void => {
  mkdirSync(join(cond, name, '..'), { recursive: true });
  writeFileSync(join(cond, name), text);
};

async function take(changes: AsyncIterator<ConditionChange>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value, done } = await changes.next();
    if (done) break;
    taken.push(`${value.name} ${value.previous} ${value.state} ${value.generation}`);
  }
  return taken;
}

test('a file with the current generation is on, with another in flux, a link to reconf on, anything else off', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  put(cond, 'service/a/ready', '1\n');
  put(cond, 'service/b/ready', '7\n');
  put(cond, 'service/c/ready', 'nonsense\n');
  symlinkSync('/var/run/finit/cond/reconf', join(cond, 'service/a/running'));
  symlinkSync('/etc/passwd', join(cond, 'service/a/odd'));
  t.is(await get('service/a/ready', { runDir }), 'on');
  t.is(await get('service/b/ready', { runDir }), 'flux');
  t.is(await get('service/c/ready', { runDir }), 'off');
  t.is(await get('service/a/running', { runDir }), 'on');
  t.is(await get('service/a/odd', { runDir }), 'off');
  t.is(await get('service/a', { runDir }), 'off');
  t.is(await get('nothing', { runDir }), 'off');
  t.deepEqual(await list('**', { runDir }), [
    { name: 'service/a/ready', state: 'on' },
    { name: 'service/a/running', state: 'on' },
    { name: 'service/b/ready', state: 'flux' },
  ]);
});

test('what is no condition file, a FIFO or a gigabyte, holds nobody up', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  execFileSync('mkfifo', [join(cond, 'usr/fifo')]);
  put(cond, 'usr/large', '1\n');
  truncateSync(join(cond, 'usr/large'), 2 ** 30);
  t.is(await get('fifo', { runDir }), 'off');
  t.deepEqual(await list('usr/*', { runDir }), [{ name: 'usr/large', state: 'on' }]);
  const changes = watch('usr/*', { runDir });
  t.deepEqual(await take(changes, 1), ['usr/large undefined on 1']);
  rmSync(join(cond, 'reconf'));
  execFileSync('mkfifo', [join(cond, 'reconf')]);
  t.deepEqual(await take(changes, 1), ['usr/large on flux undefined']);
  await changes.return?.();
});

test('writing reconf puts what has a generation in flux and leaves links alone', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  put(cond, 'service/a/ready', '1\n');
  await set('open', { runDir });
  const changes = watch('**', { runDir });
  t.deepEqual(await take(changes, 2), ['service/a/ready undefined on 1', 'usr/open undefined on 1']);
  writeFileSync(join(cond, 'reconf'), '2\n');
  t.deepEqual(await take(changes, 1), ['service/a/ready on flux 2']);
  put(cond, 'service/a/ready', '2\n');
  t.deepEqual(await take(changes, 1), ['service/a/ready flux on 2']);
  await clear('open', { runDir });
  t.deepEqual(await take(changes, 1), ['usr/open on off 2']);
  await changes.return?.();
});

test('a directory that is deleted and made anew 500 times never loses the last state', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const changes = watch('service/web/ready', { runDir });
  const service = join(cond, 'service/web');
  const seen = (async () => {
    const states: string[] = [];
    for await (const { state, generation } of changes) {
      states.push(state);
      if (generation === 2 && state === 'on') break;
    }
    return states;
  })();
  for (let i = 0; i < 500; i++) {
    mkdirSync(service, { recursive: true });
    writeFileSync(join(service, 'ready'), '1\n');
    rmSync(service, { recursive: true });
    if (i % 50 === 0) await delay(1);
  }
  writeFileSync(join(cond, 'reconf'), '2\n');
  mkdirSync(service, { recursive: true });
  writeFileSync(join(service, 'ready'), '2\n');
  const states = await seen;
  t.is(states.at(-1), 'on');
  for (let i = 1; i < states.length; i++) t.not(states[i], states[i - 1], 'every change is one');
});

test('events about directories that have been replaced since report nothing that did not happen', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const service = join(cond, 'service/web');
  mkdirSync(join(cond, 'service'));
  const changes = watch('**', { runDir });
  // All of it before the first event is read: by then the last directory is the one that is found.
  for (let i = 0; i < 5; i++) {
    mkdirSync(service, { recursive: true });
    if (i < 4) rmSync(service, { recursive: true });
  }
  writeFileSync(join(service, 'ready'), '1\n');
  await delay(20);
  put(cond, 'usr/end', '1\n');
  t.deepEqual(await take(changes, 2), ['service/web/ready off on 1', 'usr/end off on 1']);
  // And the one that is there is followed.
  rmSync(service, { recursive: true });
  t.deepEqual(await take(changes, 1), ['service/web/ready on off 1']);
  await changes.return?.();
});

test('an overflow of the kernel queue is made up for by reading everything again', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  put(cond, 'usr/gone', '1\n');
  put(cond, 'usr/kept', '1\n');
  const changes = watch('**', { runDir });
  t.is((await take(changes, 2)).length, 2);
  // More events than the queue holds, three for each file, without giving the reader a turn; the last ones are lost.
  const queue = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
  for (let i = 0; i < queue / 3 + 100; i++) {
    writeFileSync(join(cond, 'usr/noise'), '1\n');
    rmSync(join(cond, 'usr/noise'));
  }
  rmSync(join(cond, 'usr/gone'));
  put(cond, 'service/late/ready', '1\n');
  const last = new Map<string, string>();
  for await (const { name, state } of changes) {
    last.set(name, state);
    if (last.get('usr/gone') === 'off' && last.get('service/late/ready') === 'on') break;
  }
  t.false(last.get('usr/noise') === 'on');
  t.is(await get('usr/kept', { runDir }), 'on');
  // The tree is followed on below a directory that was found by reading.
  const late = watch('service/late/*', { runDir });
  await take(late, 1);
  rmSync(join(cond, 'service/late/ready'));
  t.deepEqual(await take(late, 1), ['service/late/ready on off 1']);
  await late.return?.();
});

test('a reader who is far behind gets the last state of each condition', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const changes = watch('usr/*', { runDir });
  put(cond, 'usr/last', '1\n');
  for (let i = 0; i < 6000; i++) {
    writeFileSync(join(cond, 'usr/flap'), '1\n');
    rmSync(join(cond, 'usr/flap'));
    if (i % 1000 === 0) await delay(1);
  }
  put(cond, 'usr/end', '1\n');
  let count = 0;
  const last = new Map<string, string>();
  for await (const { name, state } of changes) {
    count++;
    last.set(name, state);
    if (name === 'usr/end') break;
  }
  t.true(count <= 8193 + 3, `${count} changes were kept`);
  t.is(last.get('usr/last'), 'on');
  t.not(last.get('usr/flap'), 'on');
});

test('wait() takes a tree that comes only later', async (t) => {
  const { runDir, cond } = fakeRunDir(t, false);
  const waiting = wait(['usr/a', 'service/x/ready'], { runDir, timeout: 60_000 });
  t.is(await get('usr/a', { runDir }), 'off');
  await delay(5);
  mkdirSync(join(cond, 'usr'), { recursive: true });
  writeFileSync(join(cond, 'reconf'), '1\n');
  put(cond, 'usr/a', '1\n');
  await delay(5);
  put(cond, 'service/x/ready', '1\n');
  await waiting;
  t.pass();
});

test('wait() for several wants them at the same time', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const error = await t.throwsAsync(
    (async () => {
      const waiting = wait(['usr/a', 'usr/b'], { runDir, timeout: 150 });
      put(cond, 'usr/a', '1\n');
      await delay(20);
      rmSync(join(cond, 'usr/a'));
      put(cond, 'usr/b', '1\n');
      await waiting;
    })(),
  );
  t.true(isFinitError(error, 'FINIT_TIMEOUT') && error.message.includes('<usr/a> is off'), error?.message);
});

test('what came in time is not missed because the event loop was busy until after the deadline', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const waiting = wait('usr/a', { runDir, timeout: 30 });
  put(cond, 'usr/a', '1\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
  await waiting;
  t.pass();
});

test('a wait that runs out names the condition and its last state', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  put(cond, 'service/x/ready', '9\n');
  const error = await t.throwsAsync(wait('service/x/ready', { runDir, timeout: 20 }));
  t.true(isFinitError(error, 'FINIT_TIMEOUT') && error.lastState === 'flux');
  t.true(error?.message.includes('<service/x/ready> is flux'), error?.message);
});

test('a wait and a watch end with their signal, the wait with its reason', async (t) => {
  const { runDir } = fakeRunDir(t);
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = t.throwsAsync(wait('never', { runDir, signal: controller.signal }));
  const watching = (async () => {
    for await (const _ of watch('never', { runDir, signal: controller.signal })) t.fail();
  })();
  controller.abort(reason);
  const error = await waiting;
  t.true(isFinitError(error, 'FINIT_ABORTED') && error.cause === reason);
  await watching;
  const before = await t.throwsAsync(wait('never', { runDir, signal: controller.signal }));
  t.true(isFinitError(before, 'FINIT_ABORTED'));
  for await (const _ of watch('**', { runDir, signal: controller.signal })) t.fail();
});

test('generations are followed', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  const generations = watchGeneration({ runDir });
  t.is((await generations.next()).value.generation, 1);
  writeFileSync(join(cond, 'reconf'), '2\n');
  t.is((await generations.next()).value.generation, 2);
  rmSync(cond, { recursive: true });
  t.is((await generations.next()).value.generation, undefined);
  await generations.return?.();
});

test('when the run directory goes away all is reported off, then the watch and the waits fail', async (t) => {
  const { runDir, cond } = fakeRunDir(t);
  put(cond, 'usr/a', '1\n');
  const changes = watch('**', { runDir });
  const waiting = t.throwsAsync(wait('never', { runDir }));
  t.deepEqual(await take(changes, 1), ['usr/a undefined on 1']);
  rmSync(runDir, { recursive: true });
  const states: string[] = [];
  const error = await t.throwsAsync(async () => {
    for (;;) states.push((await changes.next()).value.state);
  });
  t.true(isFinitError(error, 'FINIT_NOT_RUNNING'));
  // In flux for a moment when reconf happens to be removed first.
  t.deepEqual(
    states.filter((state) => state !== 'flux'),
    ['off'],
  );
  t.true((await changes.next()).done);
  t.true(isFinitError(await waiting, 'FINIT_NOT_RUNNING'));
});

test('without a finit every call says so', async (t) => {
  const runDir = join(tmpdir(), 'node-finit-there-is-no-such-directory');
  for (const call of [
    () => get('a', { runDir }),
    () => set('a', { runDir }),
    () => clear('a', { runDir }),
    () => list('**', { runDir }),
    () => wait('a', { runDir }),
    async () => watch('a', { runDir }),
  ]) {
    const error = await t.throwsAsync(call);
    t.true(isFinitError(error, 'FINIT_NOT_RUNNING'), String(error));
    t.true(error?.message.includes(runDir));
  }
});

test('before boot is done nothing can be set, and the error says why', async (t) => {
  const { runDir } = fakeRunDir(t, false);
  const error = await t.throwsAsync(set('a', { runDir }));
  t.true(isFinitError(error, 'FINIT_NOT_RUNNING') && error.message.includes('when it boots'), String(error));
  await t.throwsAsync(clear('a', { runDir }), { message: /when it boots/ });
});

test('setting twice and clearing twice is no error, and several are taken at once or not at all', async (t) => {
  const { runDir } = fakeRunDir(t);
  await set(['a', 'usr/b'], { runDir });
  await set('a', { runDir });
  t.is(await get('b', { runDir }), 'on');
  await t.throwsAsync(clear(['a', 'service/x/ready'], { runDir }), { message: /only conditions in usr/ });
  t.is(await get('a', { runDir }), 'on');
  await clear(['a', 'b'], { runDir });
  await clear('a', { runDir });
  t.deepEqual(await list('**', { runDir }), []);
});

test('arguments of the wrong kind are typed errors', async (t) => {
  const { runDir } = fakeRunDir(t);
  for (const call of [
    () => wait([], { runDir }),
    () => wait('a', { runDir, timeout: -1 }),
    () => wait('a', { runDir, timeout: Number.NaN }),
    () => wait('a', { runDir, state: 'ready' as 'on' }),
  ])
    t.true(isFinitError(await t.throwsAsync(call), 'FINIT_INVALID_ARGUMENT'));
});
