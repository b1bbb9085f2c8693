// The example is started beside finit's own watchdogd, crashes, is stopped, and is there at a reboot.
import assert from 'node:assert/strict';
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
import { done, eventually, live, step, story, uptime } from './report.js';

await story(async () => {
  await finitsOwn();
  step(`finit's own watchdogd has /dev/watchdog, which is ${kernel('state')}`);
  installExample('another-name.conf');
  const pid = await exampleAtWork();
  assert.deepEqual(
    holders().map((holder) => holder.pid),
    [pid],
  );
  assert.equal(await finitsOwnState(), 'stopped');
  step('examples/watchdogd has it now, and finit has stopped its own');

  assert.equal(kernel('identity'), 'i6300ESB timer');
  assert.equal(kernel('timeout'), '30');
  await eventually('the example says what it has', () => /\/dev\/watchdog: i6300ESB timer, 30 s/.test(log()));
  step('it logs "/dev/watchdog: i6300ESB timer, 30 s", as the driver has it');
  let since = uptime();
  await live(100);
  step(`the machine has lived on for ${Math.floor(uptime() - since)} s, three times the timeout`);

  process.kill(pid, 'SIGKILL');
  const next = await exampleAtWork(pid);
  step('killed, it was started anew by finit, and has the watchdog again');
  await live(70);

  initctl('stop', 'watchdogd');
  await eventually('the watchdog is inactive', () => kernel('state') === 'inactive');
  since = uptime();
  await live(100);
  assert.deepEqual([kernel('state'), holders()], ['inactive', []]);
  step(
    `stopped, it stopped the watchdog: without a ping the machine has lived on for ${Math.floor(uptime() - since)} s`,
  );

  initctl('start', 'watchdogd');
  const last = await exampleAtWork(next);
  initctl('reload');
  await eventually('finit starts its own watchdogd once more', () =>
    log().includes('Starting watchdog:finit'),
  );
  await live(70);
  assert.deepEqual(
    holders().map((holder) => holder.pid),
    [last],
  );
  await eventually('finit gives its own up', async () => (await finitsOwnState()) === 'crashed');
  step('started again, it has kept it over a reload, at which finit starts its own anew; and now a reboot');
  done();
  initctl('reboot');
});
