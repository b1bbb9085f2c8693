// Another driver, which knows how much time is left, and does not take a timeout of 1 s; finit's own watchdogd keeps the first one quiet.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemWatchdog } from '#src/watchdog/index.js';
import { finitsOwn, kernel } from './facts.js';
import { awaitReset, live, step, story } from './report.js';

await story(async () => {
  await finitsOwn();
  const dog = await systemWatchdog({ device: '/dev/watchdog1', timeout: 20_000 });
  assert.equal(dog.identity, kernel('identity', 'watchdog1'));
  assert.equal(dog.timeout, 20_000);
  dog.ping();
  const full = dog.timeLeft() ?? 0;
  await sleep(6000);
  const later = dog.timeLeft() ?? 0;
  assert.ok(full > 15_000 && full <= 20_000, `${full} ms of 20 s`);
  assert.ok(later >= full - 8000 && later <= full - 5000, `${later} ms, 6 s after ${full} ms`);
  dog.ping();
  assert.ok((dog.timeLeft() ?? 0) > later);
  step(`${dog.identity}: timeLeft() goes from ${full} to ${later} ms in 6 s, and up again with a ping`);
  dog.disarm();
  assert.equal(kernel('state', 'watchdog1'), 'inactive');
  await live(60);
  step('disarm() has stopped it');

  const again = await systemWatchdog({ device: '/dev/watchdog1' });
  assert.throws(() => again.setTimeout(1000), { code: 'FINIT_INVALID_ARGUMENT' });
  again.trigger();
  const timeout = Number(kernel('timeout', 'watchdog1'));
  assert.ok(timeout <= 10, `after trigger() it still has ${timeout} s`);
  step(`it does not take a timeout of 1 s; trigger() has found that it takes ${timeout} s`);
  await awaitReset();
});
