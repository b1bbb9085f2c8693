// The machine boots with the example's stanza as it is documented, and the process is stopped.
import assert from 'node:assert/strict';
import { exampleAtWork, finitsOwnState } from './facts.js';
import { awaitReset, live, step, story } from './report.js';

await story(async () => {
  const pid = await exampleAtWork();
  assert.equal(await finitsOwnState(), undefined);
  step("from its own stanza's file, watchdogd.conf, it came in place of finit's watchdogd");
  await live(70);
  process.kill(pid, 'SIGSTOP');
  step('it was sent SIGSTOP, the watchdog has 30 s');
  await awaitReset();
});
