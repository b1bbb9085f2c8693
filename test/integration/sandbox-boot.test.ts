import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { startSandbox } from '../helpers/slots.js';

for (const suite of ['forky', 'trixie']) {
  test(`Debian ${suite}'s finit boots as PID 1, says its version and runs what finit.d tells it`, async (t) => {
    await using box = await startSandbox({
      suite,
      hostname: 'testbox',
      config: { 'web.conf': 'service [2345] name:web sleep 1000 -- A sleeper\n' },
      files: { '/srv/data.txt': 'data', '/srv/run.sh': { content: '#!/bin/sh\necho ran $1\n', mode: 0o755 } },
    });
    t.regex(box.version, /^\d+\.\d+/);
    t.is(box.suite, suite);
    t.is((await box.exec(['cat', '/proc/1/comm'])).stdout.trim(), suite === 'forky' ? 'init' : 'finit');
    t.regex((await box.initctl('runlevel')).stdout, /2/);
    t.regex((await box.initctl('-p', 'status')).stdout, /\bweb\b.*running/);
    t.is(await box.readFile('/srv/data.txt'), 'data');
    t.is((await box.exec(['/srv/run.sh', 'well'])).stdout, 'ran well\n');
    t.is((await box.exec(['hostname'])).stdout.trim(), 'testbox');
    t.is(
      (await box.exec(['cat', '/proc/1/environ'])).stdout.split('\0').sort().join('|'),
      '|PATH=/usr/sbin:/usr/bin:/sbin:/bin|container=unshare',
    );
    t.regex(box.console(), /entering runlevel 2/);
    const conditions = await readFile(`${box.runDir}/cond/reconf`, 'utf8');
    t.true(Number(conditions) >= 1);
  });

  test(`a configuration written to the running finit of ${suite} is taken at the reload`, async (t) => {
    await using box = await startSandbox({ suite, runlevel: 3 });
    await box.writeConfig('late.conf', 'service [345] name:late sleep 1000 -- Late\n');
    box.reload();
    let status = '';
    for (let i = 0; i < 200 && !/late.*running/.test(status); i++)
      status = (await box.initctl('-p', 'status')).stdout;
    t.regex(status, /late.*running/);
    await box.removeConfig('late.conf');
    box.reload();
    for (let i = 0; i < 200 && /late/.test(status); i++) status = (await box.initctl('-p', 'status')).stdout;
    t.notRegex(status, /late/);
  });

  test(`this process's node runs in ${suite}`, async (t) => {
    await using box = await startSandbox({ suite });
    const { stdout } = await box.exec(['node', '-p', 'process.version + process.pid'], { check: true });
    t.true(stdout.startsWith(process.version));
  });
}

test("Debian's nodejs package takes the place of a node that should not or cannot be the host's", async (t) => {
  await using box = await startSandbox({ node: 'package' });
  const { stdout } = await box.exec(['node', '-p', '1 + 1'], { check: true });
  t.is(stdout, '2\n');
  t.false((await readFile(`/proc/${box.pid}/mountinfo`, 'utf8')).includes('/usr/bin/node'));
});

test('packages come with all they depend on', async (t) => {
  await using box = await startSandbox({ packages: ['jq'] });
  const { stdout } = await box.exec(['jq', '.a'], { input: '{"a": 42}', check: true });
  t.is(stdout, '42\n');
});

test('mounts of the host are readable, and neither writable nor remountable to be', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'node finit, a:b-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'file'), 'from the host');
  await using box = await startSandbox({ mounts: { '/srv/app': dir, '/etc/one.txt': join(dir, 'file') } });
  t.is(await box.readFile('/srv/app/file'), 'from the host');
  t.is(await box.readFile('/etc/one.txt'), 'from the host');
  t.not((await box.exec(['sh', '-c', 'echo x >/srv/app/file'])).code, 0);
  t.not((await box.exec(['sh', '-c', 'echo x >/etc/one.txt'])).code, 0);
  await box.exec(['sh', '-c', 'mount -o remount,rw /srv/app && echo x >/srv/app/file']);
  t.is(await readFile(join(dir, 'file'), 'utf8'), 'from the host');
});

test('what is written in one sandbox is not seen in the next, whether by overlay or by copy', async (t) => {
  for (const copy of [false, true]) {
    const box = await startSandbox({ copy });
    await box.writeFile('/usr/bin/added', 'x');
    await box.exec(['rm', '/usr/sbin/initctl'], { check: true });
    t.true((await box.exec(['ls', '/usr/bin/added'])).code === 0);
    await box.kill();
    await using next = await startSandbox({ copy });
    t.not((await next.exec(['ls', '/usr/bin/added'])).code, 0);
    t.is((await next.initctl('version')).code, 0);
  }
});

test("the host's clock, modules and kernel settings are out of reach", async (t) => {
  await using box = await startSandbox();
  for (const argv of [
    ['date', '-s', '2001-01-01'],
    ['sh', '-c', 'echo 1 >/proc/sys/kernel/panic'],
    ['sh', '-c', 'echo h >/proc/sysrq-trigger; grep -q . /proc/sysrq-trigger'],
    ['ls', '/usr/lib/finit/plugins/procps.so'],
  ])
    t.not((await box.exec(argv)).code, 0, argv.join(' '));
});

test('exec gives exit codes, signals, input, environment, directory and user', async (t) => {
  await using box = await startSandbox();
  t.is((await box.exec(['sh', '-c', 'exit 3'])).code, 3);
  t.is((await box.exec(['no-such-command'])).code, 127);
  t.is((await box.exec(['cat'], { input: 'in' })).stdout, 'in');
  t.is((await box.exec(['sh', '-c', 'echo $A'], { env: { A: 'a b' } })).stdout, 'a b\n');
  t.is((await box.exec(['pwd'], { cwd: '/var/log' })).stdout, '/var/log\n');
  t.is((await box.exec(['id', '-u'], { user: 'nobody' })).stdout, '65534\n');
  const failed = await t.throwsAsync(box.exec(['sh', '-c', 'echo why >&2; exit 1'], { check: true }));
  t.true(isFinitError(failed, 'FINIT_SANDBOX_FAILED'));
  t.regex(failed?.message ?? '', /why/);
});

test('a command that takes too long is killed with all it has started', async (t) => {
  await using box = await startSandbox();
  const late = await t.throwsAsync(box.exec(['sh', '-c', 'sleep 4321 & sleep 4321'], { timeout: 300 }));
  t.true(isFinitError(late, 'FINIT_TIMEOUT'));
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error('enough')), 300);
  const aborted = await t.throwsAsync(box.exec(['sleep', '4321'], { signal: abort.signal }));
  t.true(isFinitError(aborted, 'FINIT_ABORTED'));
  let processes = '4321';
  for (let i = 0; i < 100 && processes.includes('4321'); i++)
    processes = (
      await box.exec(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -oE "sleep [0-9]+"'])
    ).stdout;
  t.is(processes, '');
});
