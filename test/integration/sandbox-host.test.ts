import { chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isFinitError } from '#src/errors.js';
import { bootTools } from '#src/sandbox/host.js';
import { prepareSandbox, startSandbox } from '#src/sandbox/index.js';
import { caller } from '../helpers/sandbox-process.js';
import { leftAfterAWhile, traceSandbox } from '../helpers/sandbox-trace.js';

const closed = 'http://127.0.0.1:9/debian';

async function temporary(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A PATH in which there is all that a start needs, and no apt. */
async function pathWithoutApt(t: ExecutionContext): Promise<string> {
  const dir = await temporary(t);
  for (const [name, file] of Object.entries(bootTools())) await symlink(file, join(dir, name));
  return dir;
}

test('two processes that start from an empty cache fill it once, and both get the same tree', async (t) => {
  const cacheDir = await temporary(t);
  const both = await Promise.all([caller({ cacheDir }, 'prepare'), caller({ cacheDir }, 'prepare')]);
  await Promise.all(both.map(({ ended }) => ended));
  t.is(both[0]?.says.message, undefined);
  t.truthy(both[0]?.says.root);
  t.deepEqual(both[0]?.says, both[1]?.says ?? {});
  t.deepEqual((await readdir(join(cacheDir, 'roots'))).length, 1);
});

test('an ordinary user, with a cache of its own, has a sandbox too', async (t) => {
  const { uid, gid } = { uid: 65534, gid: 65534 };
  const cacheDir = await temporary(t);
  await chown(cacheDir, uid, gid);
  const prefix = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
  const { child, says, ended } = await caller({ cacheDir }, 'stay', { prefix });
  t.truthy(says.pid, says.message);
  t.true(says.rootless);
  t.is(says.uid, '0');
  const trace = traceSandbox(says.pid ?? 0);
  t.is(trace.cgroup, undefined);
  child.kill('SIGKILL');
  await ended;
  t.deepEqual(await leftAfterAWhile(trace), []);
});

test('a user with no inotify instances left is told so: finit would run, and see nothing', async (t) => {
  // Another one than in the test above, which may have its sandbox meanwhile.
  const { uid, gid } = { uid: 65533, gid: 65533 };
  const cacheDir = await temporary(t);
  await chown(cacheDir, uid, gid);
  const prefix = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
  const { says, ended } = await caller({ cacheDir }, 'without-inotify', { prefix });
  t.like(says, { code: 'FINIT_SANDBOX_UNAVAILABLE', errno: 'EMFILE' });
  t.regex(says.message ?? '', /Raise fs\.inotify\.max_user_instances/);
  await ended;
});

test('with a filled cache a start needs neither apt nor a network', async (t) => {
  await prepareSandbox();
  const PATH = await pathWithoutApt(t);
  const { says, ended } = await caller({ mirror: closed }, 'dispose', { env: { PATH } });
  t.truthy(says.pid, says.message);
  await ended;
});

test('without apt an empty cache is an error that names the package and the way around it', async (t) => {
  const cacheDir = await temporary(t);
  const PATH = await pathWithoutApt(t);
  const { says } = await caller({ cacheDir }, 'dispose', { env: { PATH } });
  t.is(says.code, 'FINIT_SANDBOX_UNAVAILABLE');
  t.regex(says.message ?? '', /apt-get install .*apt.*--root/);
});

test('without a network an empty cache is an error that says so', async (t) => {
  const cacheDir = await temporary(t);
  const error = await t.throwsAsync(startSandbox({ cacheDir, mirror: closed }));
  t.true(isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE'), error?.message);
  t.regex(error?.message ?? '', /network.*127\.0\.0\.1.*--prepare/);
  t.deepEqual(await readdir(join(cacheDir, 'roots')), []);
});

test('a suite that Debian does not have is an error that says so', async (t) => {
  const error = await t.throwsAsync(startSandbox({ suite: 'nosuch', cacheDir: await temporary(t) }));
  t.true(isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE'), error?.message);
  t.regex(error?.message ?? '', /suite "nosuch"/);
});

test('a package that the suite does not have is an error that names it', async (t) => {
  const error = await t.throwsAsync(startSandbox({ packages: ['no-such-package'] }));
  t.true(isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE'), error?.message);
  t.regex(error?.message ?? '', /no package no-such-package/);
});

test('a kernel that refuses namespaces is an error with the setting that allows them', async (t) => {
  await prepareSandbox();
  const script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"';
  const prefix = ['unshare', '--user', '--map-root-user', '/bin/sh', '-c', script, 'sh'];
  const { says } = await caller({ rootless: true }, 'dispose', { prefix });
  t.is(says.code, 'FINIT_SANDBOX_UNAVAILABLE', says.message);
  t.regex(says.message ?? '', /user\.max_user_namespaces is 0: .*sysctl -w/);
});

test('a cache that cannot be written is an error with the options that name another', async (t) => {
  const dir = await temporary(t);
  await writeFile(join(dir, 'file'), '');
  const error = await t.throwsAsync(startSandbox({ cacheDir: join(dir, 'file') }));
  t.true(isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE'), error?.message);
  t.regex(error?.message ?? '', /--cache-dir/);
});

test('a root without finit, or that is not there, is an error that says what a root needs', async (t) => {
  const dir = await temporary(t);
  for (const [root, pattern] of [
    [dir, /no finit in/],
    [join(dir, 'nowhere'), /no directory/],
  ] as const) {
    const error = await t.throwsAsync(startSandbox({ root }));
    t.true(isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE'), error?.message);
    t.regex(error?.message ?? '', pattern);
  }
});

test("a root of one's own is booted without its configuration, and stays as it is", async (t) => {
  const { root: debian } = await prepareSandbox();
  const root = join(await temporary(t), 'a root, with:signs');
  await mkdir(root);
  const { cp } = await import('node:fs/promises');
  await cp(debian, root, { recursive: true, verbatimSymlinks: true });
  await mkdir(join(root, 'opt/etc'));
  await writeFile(join(root, 'etc/finit.d/theirs.conf'), 'service [2345] name:theirs sleep 1000 -- Theirs\n');
  await writeFile(
    join(root, 'opt/etc/finit.conf'),
    'runlevel 4\nservice [2345] name:theirs2 sleep 1000 -- X\n',
  );
  await rm(join(root, 'etc/finit.conf'));
  // As in finix: an absolute link, that on the host leads elsewhere.
  await symlink('/opt/etc/finit.conf', join(root, 'etc/finit.conf'));
  {
    await using box = await startSandbox({
      root,
      config: { 'own.conf': 'service [2345] name:own sleep 1000 -- Own\n' },
    });
    t.is(box.suite, undefined);
    t.regex(box.version, /^4\.\d+/);
    const { stdout } = await box.initctl('-p', 'status');
    t.regex(stdout, /\bown\b/);
    t.notRegex(stdout, /theirs/);
    t.regex((await box.initctl('runlevel')).stdout, /2/);
    t.is(await box.readFile('/opt/etc/finit.conf'), 'runlevel 2\n');
    await box.exec(['rm', '-rf', '/opt/etc', '/srv'], { check: true });
  }
  t.deepEqual(await readdir(join(root, 'opt/etc')), ['finit.conf']);
  t.true((await readdir(join(root, 'etc/finit.d'))).includes('theirs.conf'));
});

test('options that make no sense are refused before anything is done', async (t) => {
  for (const options of [
    { runlevel: 6 },
    { suite: '../x' },
    { packages: ['-o', 'x'] },
    { config: { 'a/b.conf': '' } },
    { config: { web: '' } },
    { files: { 'etc/x': '' } },
    { mounts: { '/a\tb': '/tmp' } },
    { mounts: { '/a': '/no/such/dir' } },
    { hostname: 'a b' },
    { root: '/', packages: ['jq'] },
  ]) {
    const error = await t.throwsAsync(startSandbox(options));
    t.true(isFinitError(error, 'FINIT_INVALID_ARGUMENT'), error?.message);
  }
});

test("devices are the host's, and their modes cannot be changed from within", async (t) => {
  await using box = await startSandbox({ rootless: true });
  const before = await stat('/dev/null');
  const script =
    'echo gone >/dev/null && head -c 2 /dev/zero | od -An -tx1; chmod 600 /dev/null; chown 1 /dev/null';
  const { stdout } = await box.exec(['/bin/sh', '-c', script]);
  t.is(stdout.trim(), '00 00');
  const after = await stat('/dev/null');
  t.deepEqual([after.mode, after.uid, after.ctimeMs], [before.mode, before.uid, before.ctimeMs]);
});
