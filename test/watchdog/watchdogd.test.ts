// watchdogd's supervisor: what it forgives, and what it does not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { decodeWatchdogd, encodeWatchdogd, RECORD_LENGTH } from '#src/protocol/watchdogd.js';
import { start, watchdogd } from '#src/watchdog/index.js';
import { startFakeWatchdogd } from '../helpers/fake-watchdogd.js';
import { eventually } from '../helpers/real-finit.js';

const projectWatchdog = import.meta.resolve('#src/watchdog/index.js');

test('subscribe, kick, extended kick, unsubscribe: each with the number from the answer before', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path, timeout: 3000, label: 'a label' });
  t.is(target.id, 1);
  t.is(target.timeout, 3000);
  t.deepEqual(await target.ping(), { outcome: 'sent' });
  t.deepEqual(await target.extend(7000), { outcome: 'sent' });
  t.deepEqual(await target.ping(), { outcome: 'sent' });
  t.deepEqual(await target.disarm(), { outcome: 'sent' });
  t.deepEqual(await target.disarm(), { outcome: 'sent' });
  const said = fake.requests.map(({ command, id, pid, timeout, ack, label }) => [
    command,
    id,
    pid,
    timeout,
    ack,
    label,
  ]);
  t.deepEqual(said, [
    [1, -1, process.pid, 3000, 0, 'a label'],
    [3, 1, process.pid, 0, 42, 'a label'],
    [3, 1, process.pid, 7000, 44, 'a label'],
    [3, 1, process.pid, 0, 46, 'a label'],
    [2, 1, process.pid, 0, 48, 'a label'],
  ]);
  t.is(fake.clients.size, 0);
  t.like(await target.ping(), { outcome: 'failed', error: { code: 'FINIT_INVALID_ARGUMENT' } });
  t.deepEqual(fake.deaths, []);
});

test('many at once go one after the other', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path });
  fake.next = [20, 0, 20, 0];
  const results = await Promise.all([
    ...Array.from({ length: 20 }, () => target.ping()),
    target.extend(2000),
    target.disarm(),
    target.ping(),
  ]);
  t.true(results.slice(0, 22).every(({ outcome }) => outcome === 'sent'));
  t.like(results[22], { outcome: 'failed' });
  t.is(fake.requests.length, 23);
  t.deepEqual(fake.deaths, []);
});

test('a watchdogd that was started anew is subscribed to again', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path });
  fake.restart();
  t.deepEqual(await target.ping(), { outcome: 'sent' });
  t.deepEqual(
    fake.requests.map(({ command }) => command),
    [1, 3, 1],
  );
  fake.restart();
  t.deepEqual(await target.extend(5000), { outcome: 'sent' });
  t.deepEqual(
    fake.requests.slice(3).map(({ command, timeout }) => [command, timeout]),
    [
      [3, 5000],
      [1, 10_000],
      [3, 5000],
    ],
  );
  fake.restart();
  t.deepEqual(await target.disarm(), { outcome: 'sent' });
  t.deepEqual(fake.deaths, []);
});

test('one that forgets each subscription at once is not asked for ever', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path });
  const unknown = encodeWatchdogd({ command: -1, error: 43 });
  fake.next = [unknown, 0, unknown];
  t.like(await target.extend(5000), { outcome: 'failed', error: { code: 'FINIT_REFUSED', errno: 'EIDRM' } });
  t.deepEqual(
    fake.requests.map(({ command }) => command),
    [1, 3, 1, 3],
  );
});

test('a worker thread subscribes, and Node has nothing to warn of', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     process.on('warning', ({ message }) => parentPort.postMessage(message));
     import(${JSON.stringify(projectWatchdog)}).then(async ({ watchdogd }) => {
       const target = await watchdogd({ path: workerData });
       parentPort.postMessage((await target.ping()).outcome);
       parentPort.postMessage((await target.disarm()).outcome);
     });`,
    { eval: true, workerData: fake.path },
  );
  const said: string[] = [];
  worker.on('message', (message) => said.push(message));
  await once(worker, 'exit');
  t.deepEqual(said, ['sent', 'sent']);
  t.deepEqual(fake.deaths, []);
});

for (const [what, how] of [
  ['lost', 'lost'],
  ['too short', new Uint8Array(76)],
  ['too long', new Uint8Array(300)],
  ['to another question', encodeWatchdogd({ command: 17 })],
] as const)
  test(`after an answer that is ${what} it is never asked again`, async (t) => {
    const fake = await startFakeWatchdogd(t);
    const target = await watchdogd({ path: fake.path });
    fake.next = [how];
    const result = await target.ping();
    t.is(result.outcome, 'failed');
    t.regex(
      result.outcome === 'failed' ? result.error.code : '',
      how === 'lost' ? /^FINIT_CONNECTION_LOST$/ : /^FINIT_BAD_REPLY$/,
    );
    const count = fake.requests.length;
    for (const again of [target.ping(), target.extend(1000), target.disarm(), target.trigger()])
      t.like(await again, { outcome: 'failed', error: { code: 'FINIT_CONNECTION_LOST' } });
    t.is(fake.requests.length, count);
    t.deepEqual(fake.deaths, []);
  });

test('one that does not answer is waited for as long as the deadline is, and its connection stays', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path, timeout: 1000 });
  fake.next = ['silent'];
  t.like(await target.ping(), { outcome: 'failed', error: { code: 'FINIT_TIMEOUT' } });
  t.like(await target.ping(), { outcome: 'failed', error: { code: 'FINIT_CONNECTION_LOST' } });
  await sleep(100);
  t.deepEqual(fake.deaths, []);
});

test('what cannot be subscribed to', async (t) => {
  await t.throwsAsync(watchdogd({ path: '/nonexistent/sock' }), { code: 'FINIT_NOT_RUNNING' } as never);
  await t.throwsAsync(watchdogd({ path: `/${'x'.repeat(200)}` }), { code: 'FINIT_SYSTEM' } as never);
  for (const timeout of [0, 999, 1000.5, Number.NaN, 2 ** 31, '5000' as never])
    await t.throwsAsync(watchdogd({ timeout }), { code: 'FINIT_INVALID_ARGUMENT' } as never);
  const fake = await startFakeWatchdogd(t);
  for (const [errno, pattern] of [
    [95, /supervisor is disabled/],
    [12, /255 subscribers/],
    [22, /EINVAL/],
  ] as const) {
    fake.next = [encodeWatchdogd({ command: -1, error: errno })];
    const error = await t.throwsAsync(watchdogd({ path: fake.path }), { code: 'FINIT_REFUSED' } as never);
    t.regex(error?.message ?? '', pattern);
  }
});

test('a watchdogd that is away for a while is not kicked, and kicked when it is back', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path });
  const { renameSync } = await import('node:fs');
  renameSync(fake.path, `${fake.path}.away`);
  t.like(await target.ping(), { outcome: 'failed', error: { code: 'FINIT_NOT_RUNNING', errno: 'ENOENT' } });
  renameSync(`${fake.path}.away`, fake.path);
  t.deepEqual(await target.ping(), { outcome: 'sent' });
  t.deepEqual(fake.deaths, []);
});

test('trigger() is a wrong kick, which resets the machine', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path });
  await target.trigger();
  t.deepEqual(fake.deaths, ['reset: failed kick']);
});

test('start() kicks, and stop() unsubscribes', async (t) => {
  const fake = await startFakeWatchdogd(t);
  const target = await watchdogd({ path: fake.path, timeout: 1000 });
  const watchdog = start({ target, interval: 100 });
  t.is(watchdog.timeout, 1000);
  const before = fake.clients.get(1)?.due ?? 0;
  await eventually(() => watchdog.pings >= 3);
  t.true((fake.clients.get(1)?.due ?? 0) > before - 500);
  t.deepEqual(await watchdog.stop(), { outcome: 'sent' });
  t.is(fake.clients.size, 0);
  t.deepEqual(fake.deaths, []);
});

test('a process that ends in mid-flight waits for its answer, and the timer keeps nobody alive', async (t) => {
  const fake = await startFakeWatchdogd(t);
  fake.next = [0, 200];
  const script = `
    import { start, watchdogd } from ${JSON.stringify(projectWatchdog)};
    const target = await watchdogd({ path: ${JSON.stringify(fake.path)} });
    void target.ping();
    process.exit(5);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  t.deepEqual(await once(child, 'exit'), [5, null]);
  t.is(fake.requests.length, 2);
  const idle = `
    import { start, watchdogd } from ${JSON.stringify(projectWatchdog)};
    start({ target: await watchdogd({ path: ${JSON.stringify(fake.path)} }) });`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', idle], { stdio: 'inherit' });
  t.deepEqual(await once(other, 'exit'), [0, null]);
  await sleep(50);
  t.deepEqual(fake.deaths, []);
});

test('records: any bytes give a record or the error, and what is written is read back', (t) => {
  const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const unsigned = fc.nat({ max: 2 ** 32 - 1 });
  const record = fc.record({
    command: int,
    error: int,
    id: int,
    pid: int,
    timeout: unsigned,
    ack: unsigned,
    nextAck: unsigned,
    label: fc.string({ maxLength: 47 }).map((text) => text.replaceAll('\0', '')),
  });
  fc.assert(
    fc.property(record, (said) => {
      t.deepEqual(decodeWatchdogd(encodeWatchdogd(said)), said);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      if (bytes.length === RECORD_LENGTH) t.is(typeof decodeWatchdogd(bytes).label, 'string');
      else t.throws(() => decodeWatchdogd(bytes), { code: 'FINIT_BAD_REPLY' } as never);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: RECORD_LENGTH, maxLength: RECORD_LENGTH }), (bytes) => {
      t.is(typeof decodeWatchdogd(bytes).label, 'string');
    }),
  );
  const long = decodeWatchdogd(encodeWatchdogd({ label: 'x'.repeat(100) })).label;
  t.is(long, 'x'.repeat(47));
});
