// What systemWatchdog() says and does, against what the kernel says; trigger(); and the start after that.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemWatchdog } from '#src/watchdog/index.js';
import {
  exampleAtWork,
  finitsOwn,
  finitsOwnState,
  holders,
  initctl,
  installExample,
  kernel,
  log,
} from './facts.js';
import { awaitReset, done, eventually, live, step, story } from './report.js';

const CARD_RESET = 0x20;

await story(async () => {
  await finitsOwn();
  if (Number(kernel('bootstatus')) === 0) await first();
  else await second();
});

async function first(): Promise<void> {
  await assert.rejects(systemWatchdog(), { code: 'FINIT_BUSY' });
  step("it is FINIT_BUSY as long as finit's own watchdogd has it");
  const dog = await systemWatchdog({ takeOver: true });
  assert.deepEqual(
    holders().map(({ pid }) => pid),
    [process.pid],
  );
  assert.equal(dog.identity, kernel('identity'));
  assert.equal(dog.firmware, Number(kernel('fw_version')));
  assert.deepEqual(dog.capabilities, ['setTimeout', 'magicClose', 'keepAlivePing']);
  assert.equal(Number(kernel('options')), 0x8180);
  assert.deepEqual(dog.bootStatus, []);
  assert.equal(dog.timeLeft(), undefined);
  step(`taken over: ${dog.identity}, ${dog.capabilities.join(', ')}`);

  dog.setTimeout(10_400);
  assert.equal(dog.timeout, 11_000);
  assert.equal(kernel('timeout'), '11');
  assert.throws(() => dog.setTimeout(3_000_000), { code: 'FINIT_INVALID_ARGUMENT', errno: 'EINVAL' });
  assert.equal(kernel('max_timeout'), '2046');
  assert.equal(dog.pretimeout, 0);
  dog.setPretimeout(3000);
  assert.equal(dog.pretimeout, 3000);
  assert.equal(kernel('pretimeout'), '3');
  assert.throws(() => dog.setPretimeout(11_000), { code: 'FINIT_INVALID_ARGUMENT', errno: 'EINVAL' });
  dog.setPretimeout(0);
  step('timeout and pretimeout are what the kernel has, and what it refuses is an error');

  for (let pings = 0; pings < 8; pings++) {
    assert.deepEqual(dog.ping(), { outcome: 'sent' });
    await sleep(5000);
  }
  step('ping() keeps the machine alive: 40 s of 11');
  dog.ping();
  dog.handOver();
  assert.equal(kernel('state'), 'active');
  await sleep(5000);
  const next = await systemWatchdog();
  next.ping();
  await live(9);
  step('handOver() left it running, and who opened it next has gone on');
  next.disarm();
  assert.equal(kernel('state'), 'inactive');
  await live(60);
  step('disarm() has stopped it');

  const last = await systemWatchdog();
  assert.deepEqual(last.trigger(), { outcome: 'sent' });
  assert.equal(last.ping().outcome, 'failed');
  step('trigger(), after which no ping passes');
  await awaitReset();
}

async function second(): Promise<void> {
  assert.equal(Number(kernel('bootstatus')), CARD_RESET);
  const dog = await systemWatchdog({ takeOver: true });
  assert.deepEqual(dog.bootStatus, ['cardReset']);
  dog.disarm();
  step('after the reset bootStatus says cardReset');
  installExample();
  await exampleAtWork();
  assert.equal(await finitsOwnState(), undefined);
  await eventually('the example says so', () => log().includes('The last start was a reset by the watchdog'));
  step('and so does examples/watchdogd; now a poweroff with that on duty');
  done();
  initctl('poweroff');
}
