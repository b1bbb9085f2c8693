// Watches a service whose event loop hangs, as the kernel does, which warns of it first.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as services from '#src/services/index.js';
import { finitsOwnState, holders, kernel } from './facts.js';
import { awaitReset, eventually, live, step, story } from './report.js';

await story(async () => {
  const { pid } = await eventually('the service has the watchdog', () =>
    holders().find(({ command }) => command.includes('pinger.js')),
  );
  assert.equal(await finitsOwnState(), 'stopped');
  const service = (await services.list()).find(({ identity }) => identity === 'pinger');
  assert.equal(service?.shim?.main?.pid, pid);
  assert.notEqual(service.pid, pid);
  assert.equal(kernel('timeout'), '20');
  assert.equal(kernel('pretimeout'), '5');
  step('a service behind finit-shim has taken it over, with a timeout of 20 s and a pretimeout of 5 s');
  await live(40);
  step('it pings, until its event loop hangs');
  await eventually('the kernel warns', () =>
    spawnSync('dmesg', { encoding: 'utf8' }).stdout.includes('pretimeout event'),
  );
  step('the kernel says "pretimeout event"');
  await awaitReset();
});
