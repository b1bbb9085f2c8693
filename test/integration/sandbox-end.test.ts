import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { startSandbox } from '#src/sandbox/index.js';
import { caller } from '../helpers/sandbox-process.js';
import { leftAfterAWhile, leftOf, traceSandbox } from '../helpers/sandbox-trace.js';

const sleeper = { 'sleeper.conf': 'service [2345] name:sleeper sleep 1000 -- Sleeper\n' };

for (const rootless of [false, true]) {
  const kind = rootless ? 'in a user namespace' : 'as root';

  test(`poweroff ends finit in good order and leaves nothing, ${kind}`, async (t) => {
    const box = await startSandbox({ rootless, config: sleeper });
    const trace = traceSandbox(box.pid);
    t.deepEqual(await box.poweroff(), { code: 0, signal: null, killed: false });
    t.deepEqual(leftOf(trace), []);
    t.regex(box.console(), /shutting down container/);
    t.deepEqual(await box.poweroff(), { code: 0, signal: null, killed: false });
    t.deepEqual(await box.kill(), { code: 0, signal: null, killed: false });
    t.false(box.running);
    const late = await t.throwsAsync(box.exec(['true']));
    t.true(isFinitError(late, 'FINIT_SANDBOX_FAILED'));
  });

  test(`kill and disposal leave nothing, ${kind}`, async (t) => {
    const box = await startSandbox({ rootless, config: sleeper });
    const trace = traceSandbox(box.pid);
    t.true(trace.inside.length >= 3);
    const [first, second] = await Promise.all([box.kill(), box.kill()]);
    t.true(first.killed && second.killed);
    await box[Symbol.asyncDispose]();
    t.deepEqual(leftOf(trace), []);
  });

  for (const how of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const)
    test(`a caller that ends by ${how} leaves nothing, ${kind}`, async (t) => {
      const { child, says, ended } = await caller({ rootless, config: sleeper }, 'stay');
      t.truthy(says.pid, says.message);
      const trace = traceSandbox(says.pid ?? 0);
      child.kill(how);
      await ended;
      t.deepEqual(await leftAfterAWhile(trace), []);
    });

  test(`a keeper that is killed takes finit along, and this process clears up after it, ${kind}`, async (t) => {
    const box = await startSandbox({ rootless, config: sleeper });
    const trace = traceSandbox(box.pid);
    process.kill(trace.keeper, 'SIGKILL');
    t.deepEqual(await box.exited, { code: null, signal: null, killed: false });
    t.deepEqual(await leftAfterAWhile(trace), []);
  });
}

test('finit ends with its keeper; what a killed keeper and a killed caller leave behind is removed by the next start', async (t) => {
  const { child, says, ended } = await caller({ config: sleeper }, 'stay');
  const trace = traceSandbox(says.pid ?? 0);
  // Stopped, the caller cannot help: it is the kernel that ends finit when the keeper is gone.
  child.kill('SIGSTOP');
  process.kill(trace.keeper, 'SIGKILL');
  t.deepEqual(
    await leftAfterAWhile({ ...trace, keeper: trace.unshare, dir: '/nowhere', cgroup: undefined }),
    [],
  );
  child.kill('SIGKILL');
  await ended;
  await using _next = await startSandbox();
  t.deepEqual(await leftAfterAWhile(trace), []);
});

test('a caller that calls process.exit, or ends with its sandbox running, leaves nothing', async (t) => {
  for (const then of ['exit', 'dispose', 'throw', 'nothing']) {
    const { says, ended } = await caller({}, then);
    t.truthy(says.pid, says.message);
    await ended;
    for (let i = 0; i < 200; i++) {
      try {
        process.kill(says.pid ?? 0, 0);
        await new Promise((done) => setTimeout(done, 20));
      } catch {
        break;
      }
    }
    t.throws(() => process.kill(says.pid ?? 0, 0), undefined, then);
  }
});

test('poweroff kills a finit that does not end in time, and says so', async (t) => {
  const box = await startSandbox();
  const trace = traceSandbox(box.pid);
  process.kill(box.pid, 'SIGSTOP');
  const end = await box.poweroff({ timeout: 200 });
  t.true(end.killed);
  t.deepEqual(leftOf(trace), []);
});

test('a finit that dies is noticed', async (t) => {
  const box = await startSandbox();
  const trace = traceSandbox(box.pid);
  process.kill(box.pid, 'SIGKILL');
  t.deepEqual(await box.exited, { code: null, signal: 'SIGKILL', killed: false });
  t.deepEqual(leftOf(trace), []);
});

test('an abort in mid-boot ends the boot and leaves nothing', async (t) => {
  for (const after of [0, 60, 300, 700]) {
    const abort = new AbortController();
    const starting = startSandbox({ signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), after);
    const error = await t.throwsAsync(starting);
    t.true(isFinitError(error, 'FINIT_ABORTED'), error?.message);
    t.like(error?.cause, { message: 'enough' });
  }
});

test('a boot that does not get anywhere times out with what finit printed', async (t) => {
  const error = await t.throwsAsync(
    startSandbox({ timeout: 2000, config: { 'slow.conf': 'run [S] name:slow sleep 60 -- Slow task\n' } }),
  );
  t.true(isFinitError(error, 'FINIT_TIMEOUT'), error?.message);
  t.regex(error?.message ?? '', /Slow task/);
});

test('a finit that ends during the boot is an error with the end of its console', async (t) => {
  const error = await t.throwsAsync(
    startSandbox({
      files: { '/usr/sbin/finit': { content: '#!/bin/sh\necho went wrong\nexit 5\n', mode: 0o755 } },
    }),
  );
  t.true(isFinitError(error, 'FINIT_SANDBOX_FAILED'), error?.message);
  t.regex(error?.message ?? '', /went wrong/);
});
