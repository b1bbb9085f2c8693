// When there is a ping, and when there is none.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { FinitError } from '#src/errors.js';
import {
  enabled,
  type Skipped,
  start,
  systemWatchdog,
  trigger,
  type WatchdogTarget,
  watchdogd,
} from '#src/watchdog/index.js';
import { receiveDatagrams } from '../helpers/datagrams.js';
import { eventually } from '../helpers/real-finit.js';

const projectWatchdog = import.meta.resolve('#src/watchdog/index.js');

/** Who counts. */
function counter(timeout: number): WatchdogTarget & { pinged: number[]; disarmed: number } {
  const target = {
    name: 'the counter',
    timeout,
    pinged: [] as number[],
    disarmed: 0,
    ping: () => {
      target.pinged.push(performance.now());
      return { outcome: 'sent' } as const;
    },
    trigger: () => ({ outcome: 'sent' }) as const,
    disarm: () => {
      target.disarmed++;
      return { outcome: 'sent' } as const;
    },
  };
  return target;
}

function socketOf(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-watchdog-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'notify');
}

test('WATCHDOG_USEC in milliseconds, for this process only', (t) => {
  const { pid } = process;
  for (const [usec, ms] of [
    ['10000000', 10_000],
    ['1', 0.001],
    ['18446744073709551614', Number(2n ** 64n) / 1000],
    ['0', undefined],
    ['-1', undefined],
    ['18446744073709551615', undefined],
    ['18446744073709551616', undefined],
    ['99999999999999999999999', undefined],
    ['10s', undefined],
    [' 5', undefined],
    ['0x10', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    t.is(enabled({ WATCHDOG_USEC: usec }), ms, usec);
    t.is(enabled({ WATCHDOG_USEC: usec, WATCHDOG_PID: String(pid) }), ms, usec);
    t.is(enabled({ WATCHDOG_USEC: usec, WATCHDOG_PID: '1' }), undefined, usec);
  }
});

test('the first ping at once, then one each interval, until stop()', async (t) => {
  const target = counter(1000);
  const watchdog = start({ target, interval: 20 });
  t.is(target.pinged.length, 1);
  t.true(watchdog.active);
  await eventually(() => watchdog.pings >= 5);
  t.deepEqual(watchdog.last, { outcome: 'sent' });
  t.is(watchdog.skipped, 0);
  t.deepEqual(await watchdog.stop(), { outcome: 'sent' });
  const { length } = target.pinged;
  t.false(watchdog.active);
  await sleep(60);
  t.is(target.pinged.length, length);
  await watchdog.stop();
  t.is(target.disarmed, 1);
});

test('half of the timeout is the default; nothing is done where nobody waits', async (t) => {
  const watchdog = start({ target: counter(5000) });
  t.is(watchdog.interval, 2500);
  await watchdog.stop({ disarm: false });
  t.is(start({ target: counter(1e300) }).interval, 2 ** 31 - 1);
  const idle = start({ target: counter(Number.POSITIVE_INFINITY) });
  t.like(idle, { active: false, interval: undefined, pings: 0 });
  t.deepEqual(await idle.stop(), { outcome: 'not-supervised' });
});

test('stop({ disarm: false }) tells nobody; using does', async (t) => {
  const target = counter(1000);
  await start({ target }).stop({ disarm: false });
  t.is(target.disarmed, 0);
  {
    using _ = start({ target });
  }
  t.is(target.disarmed, 1);
});

for (const [what, check, reason] of [
  ['throws', () => Promise.reject(new Error('the disk is full')), 'check-failed'],
  ['gives false', () => false, 'check-failed'],
  ['takes too long', () => new Promise(() => {}), 'check-timeout'],
] as const)
  test(`a check that ${what} keeps the ping back, and is told`, async (t) => {
    const target = counter(1000);
    const skipped: Skipped[] = [];
    const watchdog = start({ target, interval: 40, check, onSkip: (one) => skipped.push(one) });
    await eventually(() => skipped.length >= 3);
    await watchdog.stop();
    t.is(target.pinged.length, 0);
    t.true(skipped.every((one) => one.reason === reason));
    t.true(watchdog.skipped >= 3);
  });

test('a check that fails once costs a quarter of the interval', async (t) => {
  const target = counter(4000);
  let calls = 0;
  const watchdog = start({ target, interval: 400, check: () => ++calls !== 1, onSkip: () => {} });
  const from = performance.now();
  await eventually(() => watchdog.pings === 1);
  await watchdog.stop();
  t.is(calls, 2);
  t.true((target.pinged[0] ?? 0) - from > 90);
});

test('a check is aborted at its deadline, not asked again before it has ended, and its late yes counts for nothing', async (t) => {
  const target = counter(1000);
  let calls = 0;
  let end = (_: unknown) => {};
  const reasons: unknown[] = [];
  const check = (signal: AbortSignal) => {
    calls++;
    if (calls > 1) return true;
    signal.addEventListener('abort', () => reasons.push(signal.reason.code));
    return new Promise((resolve) => {
      end = resolve;
    });
  };
  const watchdog = start({ target, interval: 40, checkTimeout: 10, check, onSkip: () => {} });
  await eventually(() => watchdog.skipped >= 4);
  t.is(calls, 1);
  t.deepEqual(reasons, ['FINIT_TIMEOUT']);
  end(true);
  await eventually(() => watchdog.pings > 0);
  t.true(calls >= 2);
  await watchdog.stop();
});

test('a ping that fails is tried again sooner, and warned of once in a row', async (t) => {
  const target = counter(1000);
  let failing = true;
  target.ping = () => {
    if (failing) return { outcome: 'failed', error: new FinitError('FINIT_NOTIFY_FAILED', 'no') };
    return { outcome: 'sent' };
  };
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const watchdog = start({ target, interval: 40 });
  await eventually(() => watchdog.skipped >= 4);
  t.like(watchdog.last, { outcome: 'failed' });
  failing = false;
  await eventually(() => watchdog.pings >= 1);
  await watchdog.stop();
  t.deepEqual(
    warnings.filter(({ name }) => name === 'FinitWatchdogWarning').map(({ message }) => message),
    ['A watchdog ping failed: no'],
  );
});

/** The watchdog's warnings while the test runs. */
function warningsOf(t: ExecutionContext): string[] {
  const messages: string[] = [];
  const onWarning = ({ name, message }: Error) => {
    if (name === 'FinitWatchdogWarning') messages.push(message);
  };
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  return messages;
}

for (const [what, check, reason] of [
  ['a string', () => Promise.reject('the disk is full'), 'the disk is full'],
  ['null', () => Promise.reject(null), 'null'],
  [
    'an error with a cause',
    () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })),
    'fetch failed: connect ECONNREFUSED',
  ],
  [
    'an error with an error without a message as its cause',
    () =>
      Promise.reject(
        new TypeError('fetch failed', {
          cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
        }),
      ),
    'fetch failed: ECONNREFUSED',
  ],
  ['what cannot be shown', () => Promise.reject(Object.create(null)), 'something that cannot be shown'],
] as const)
  test.serial(`when a check throws ${what}, the warning says so`, async (t) => {
    const warnings = warningsOf(t);
    const watchdog = start({ target: counter(1000), interval: 40, check });
    await eventually(() => watchdog.skipped >= 2 && warnings.length > 0);
    await watchdog.stop();
    t.deepEqual(warnings, [`The watchdog is not pinged: ${reason}`]);
  });

test.serial('an onSkip that throws or rejects is a warning, and the pings go on', async (t) => {
  const warnings = warningsOf(t);
  for (const onSkip of [
    () => {
      throw new Error('no log');
    },
    () => Promise.reject(new Error('no log')),
  ]) {
    const target = counter(1000);
    let failing = true;
    const ping = target.ping;
    target.ping = () =>
      failing ? ({ outcome: 'failed', error: new FinitError('FINIT_NOTIFY_FAILED', 'no') } as never) : ping();
    const watchdog = start({ target, interval: 40, onSkip });
    await eventually(() => watchdog.skipped >= 3 && warnings.length > 0);
    failing = false;
    await eventually(() => watchdog.pings >= 1);
    await watchdog.stop();
    t.deepEqual(warnings.splice(0), ["The watchdog's onSkip failed: no log"]);
  }
});

for (const [what, ping] of [
  [
    'throws',
    () => {
      throw new Error('out of order');
    },
  ],
  ['rejects', () => Promise.reject(new Error('out of order'))],
  ['gives nothing', () => {}],
] as const)
  test(`a target whose ping() ${what} has not been pinged, and is tried again`, async (t) => {
    const skipped: Skipped[] = [];
    const target = { ...counter(1000), ping: ping as never };
    const watchdog = start({ target, interval: 40, onSkip: (one) => skipped.push(one) });
    await eventually(() => skipped.length >= 3);
    t.like(watchdog.last, { outcome: 'failed', error: { code: 'FINIT_SYSTEM' } });
    t.is(watchdog.pings, 0);
    t.true(skipped.every(({ reason }) => reason === 'ping-failed'));
    await watchdog.stop();
  });

test('a check that blocks the event loop for longer than it may take keeps the ping back', async (t) => {
  const target = counter(1000);
  const skipped: Skipped[] = [];
  const check = () => {
    const end = performance.now() + 20;
    while (performance.now() < end);
  };
  const watchdog = start({
    target,
    interval: 40,
    checkTimeout: 5,
    check,
    onSkip: (one) => skipped.push(one),
  });
  await eventually(() => skipped.length >= 2);
  await watchdog.stop();
  t.is(target.pinged.length, 0);
  t.true(skipped.every(({ reason, error }) => reason === 'check-timeout' && error instanceof FinitError));
});

test('after stop({ disarm: false }) stop() still disarms, and the end of a using block does not', async (t) => {
  const target = counter(1000);
  {
    using watchdog = start({ target });
    await watchdog.stop({ disarm: false });
  }
  t.is(target.disarmed, 0);
  const watchdog = start({ target });
  t.deepEqual(await watchdog.stop({ disarm: false }), { outcome: 'not-supervised' });
  t.deepEqual(await watchdog.stop(), { outcome: 'sent' });
  t.deepEqual(await watchdog.stop(), { outcome: 'sent' });
  t.is(target.disarmed, 1);
  const broken = start({ target: { ...counter(1000), disarm: () => Promise.reject(new Error('no')) } });
  t.like(await broken.stop(), { outcome: 'failed', error: { code: 'FINIT_SYSTEM' } });
});

test('names that no option has are refused', async (t) => {
  const target = counter(1000);
  const refused = { code: 'FINIT_INVALID_ARGUMENT' } as const;
  t.is(
    t.throws(() => start({ target, chek: () => false } as never), refused as never)?.message,
    'watchdog.start() knows no "chek", did you mean check?',
  );
  t.throws(() => start({ target, __proto__: null, toString: 1 } as never), refused as never);
  for (const wrong of [null, 5, 'x', () => {}]) t.throws(() => start(wrong as never), refused as never);
  t.is(target.pinged.length, 0);
  const watchdog = start({ target });
  await t.throwsAsync(watchdog.stop({ disram: false } as never), refused as never);
  t.true(watchdog.active);
  await watchdog.stop();
  await t.throwsAsync(watchdogd({ timout: 5000 } as never), refused as never);
  await t.throwsAsync(watchdogd({ label: 5 } as never), refused as never);
  await t.throwsAsync(systemWatchdog({ takeover: true } as never), refused as never);
});

test('a blocked event loop is not pinged from, and the delay is told', async (t) => {
  const target = counter(10_000);
  const watchdog = start({ target, interval: 20 });
  await eventually(() => watchdog.pings >= 2);
  const { length } = target.pinged;
  const end = performance.now() + 200;
  while (performance.now() < end);
  t.is(target.pinged.length, length);
  await eventually(() => watchdog.delay.max >= 170);
  await sleep(1);
  t.true(watchdog.delay.max >= watchdog.delay.last);
  t.true(watchdog.utilization >= 0 && watchdog.utilization <= 1);
  // What was due meanwhile is not made up for.
  const after = target.pinged.length;
  await sleep(5);
  t.true(target.pinged.length <= after + 1);
  await watchdog.stop();
});

test('what start() refuses', (t) => {
  const target = counter(1000);
  for (const wrong of [
    { interval: 0 },
    { interval: -1 },
    { interval: Number.NaN },
    { interval: 1000 },
    { interval: '5' },
    { interval: 2 ** 31 },
    { checkTimeout: 0 },
    { check: true },
    { onSkip: 'log' },
    { target: null },
    { target: {} },
    { target: Promise.resolve(target) },
    { target: { ...target, timeout: Number.NaN } },
    { target: { ...target, timeout: 0 } },
    { target: { ...target, timeout: '1000' } },
  ])
    t.throws(() => start({ target, ...wrong } as never), { code: 'FINIT_INVALID_ARGUMENT' } as never);
});

test('to the supervisor, by its environment', async (t) => {
  const socket = socketOf(t);
  const receiver = await receiveDatagrams(t, socket);
  const run = (body: string, env: Record<string, string>) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { start, trigger, enabled } from ${JSON.stringify(projectWatchdog)}; ${body}`,
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
    ).stdout.trim();
  // Ends by itself: the timer does not keep it alive.
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000000' };
  t.is(run('const w = start(); console.log(w.interval, w.pings, enabled());', env), '1000 1 2000');
  t.is(await receiver.next(), 'WATCHDOG=1\n');
  t.is(run('const w = start(); console.log((await w.stop()).outcome)', env), 'sent');
  t.is(await receiver.next(), 'WATCHDOG=1\n');
  t.is(await receiver.next(), 'WATCHDOG_USEC=0\n');
  t.is(run('console.log(trigger().outcome)', env), 'sent');
  t.is(await receiver.next(), 'WATCHDOG=trigger\n');
  t.is(run('console.log(start().active, trigger().outcome)', {}), 'false not-supervised');
  t.is(trigger({ socket: '' }).outcome, 'not-supervised');
});
