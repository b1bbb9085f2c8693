import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { cacheAt } from '#src/sandbox/cache.js';
import { findUser } from '#src/sandbox/exec.js';
import { namespaceAdvice } from '#src/sandbox/host.js';
import { allLibrariesFound, elfInterpreter } from '#src/sandbox/host-node.js';
import { cgroupCandidates, finitConf } from '#src/sandbox/plan.js';
import { packageOfFile, rootKey } from '#src/sandbox/root.js';
import { consoleTail } from '#src/sandbox/start.js';
import { resolveInRoot } from '#src/sandbox/tree.js';

test('the cache is where the option, the environment or the XDG directories say, in this order', (t) => {
  const env = { HOME: '/h', XDG_CACHE_HOME: '/x', NODE_FINIT_CACHE: '/n' };
  t.is(cacheAt('/c', env).dir, '/c');
  t.is(cacheAt(undefined, env).dir, '/n');
  t.is(cacheAt(undefined, { ...env, NODE_FINIT_CACHE: '' }).dir, '/x/node-finit');
  t.is(cacheAt(undefined, { HOME: '/h', XDG_CACHE_HOME: 'relative' }).dir, '/h/.cache/node-finit');
});

test('a tree has the same name whatever the order of its packages, and another for other packages', (t) => {
  t.is(rootKey('forky', ['a1', 'b1']), rootKey('forky', ['b1', 'a1', 'b1']));
  t.not(rootKey('forky', ['a1']), rootKey('forky', []));
  t.true(rootKey('trixie', []).startsWith('trixie-'));
});

test('the name of a package file tells package and version', (t) => {
  t.deepEqual(packageOfFile('login_1%3a4.16.0-2+really2.42.4-1_amd64.deb'), [
    'login',
    '1:4.16.0-2+really2.42.4-1',
  ]);
});

test("symbolic links of a root are followed within it, also '..' and absolute ones", async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await symlink('usr/bin', join(root, 'bin'));
  await symlink('/usr/bin/../bin/node', join(root, 'usr/bin/link'));
  await symlink('../../../../../etc', join(root, 'usr/up'));
  await symlink('loop', join(root, 'loop'));
  t.is(await resolveInRoot(root, '/bin/link'), '/usr/bin/node');
  t.is(await resolveInRoot(root, 'usr/up/passwd'), '/etc/passwd');
  t.is(await resolveInRoot(root, '/../../new/file'), '/new/file');
  t.true(isFinitError(await t.throwsAsync(resolveInRoot(root, '/loop')), 'FINIT_INVALID_ARGUMENT'));
});

test("libraries count as found when they are the root's own, in the versions that are asked for", (t) => {
  const found =
    '\tlinux-vdso.so.1 (0x00007)\n\tlibc.so.6 => /r/usr/lib/libc.so.6 (0x00007)\n\t/r/lib64/ld-linux.so.2 (0x0007)\n';
  t.true(allLibrariesFound(found, '/r'));
  t.true(allLibrariesFound(found, '/'));
  t.false(allLibrariesFound(found, '/other'));
  t.false(allLibrariesFound(`${found}\tlibfoo.so.1 => not found\n`, '/r'));
  t.false(
    allLibrariesFound(`x: /lib/libc.so.6: version \`GLIBC_2.99' not found (required by x)\n${found}`, '/r'),
  );
  t.false(allLibrariesFound('', '/r'));
});

test('the dynamic loader is read out of a program', async (t) => {
  t.regex((await elfInterpreter('/bin/sh')) ?? '', /^\/.*ld/);
  const file = join(await mkdtemp(join(tmpdir(), 'node-finit-')), 'script');
  t.teardown(() => rm(join(file, '..'), { recursive: true }));
  await writeFile(file, '#!/bin/sh\n');
  t.is(await elfInterpreter(file), undefined);
});

test('finit.conf gets a runlevel unless it has one', (t) => {
  t.is(finitConf(), 'runlevel 2\n');
  t.is(finitConf('set A=b\n', 3), 'runlevel 3\nset A=b\n');
  t.is(finitConf('set A=b\nrunlevel 4\n', 3), 'set A=b\nrunlevel 4\n');
});

test("finit.conf in finit 5's block format gets its runlevel in that format", (t) => {
  const web = 'service web {\n  runlevel = "2345"\n  command = "/bin/web"\n}\n';
  t.is(finitConf(web, 3), `runlevel = 3\n${web}`);
  t.is(finitConf('hostname = "x"\n', 3), 'runlevel = 3\nhostname = "x"\n');
  t.is(finitConf('cgroup "init" {\n}\n'), 'runlevel = 2\ncgroup "init" {\n}\n');
  t.is(finitConf('environment {\n  A = "b"\n}\n'), 'runlevel = 2\nenvironment {\n  A = "b"\n}\n');
  // finit takes the last
  t.is(finitConf('runlevel = 4\n', 3), 'runlevel = 3\nrunlevel = 4\n');
});

test('braces and equals signs do not make a line a block', (t) => {
  for (const text of ['A=b\n', 'hostname x\n', 'run [S] /bin/sh -c "f() { :; }; f"\n', '# service web {\n'])
    t.is(finitConf(text, 3), `runlevel 3\n${text}`);
});

const HYBRID = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw';

test('a cgroup is made at the top by root, and in its own cgroup by anybody else', (t) => {
  t.deepEqual(cgroupCandidates(HYBRID, '0::/\n', true), ['/sys/fs/cgroup/unified']);
  t.deepEqual(cgroupCandidates(HYBRID, '0::/\n', false), []);
  t.deepEqual(cgroupCandidates(HYBRID, '1:cpu:/x\n0::/user.slice/me\n', false), [
    '/sys/fs/cgroup/unified/user.slice/me',
  ]);
  t.deepEqual(cgroupCandidates('41 31 0:38 /a /cg rw - cgroup2 none rw', '0::/a/b\n', false), ['/cg/b']);
  t.deepEqual(cgroupCandidates('22 27 0:21 / /proc rw - proc proc rw', '0::/a\n', true), []);
});

test('advice about namespaces names the setting that forbids them', (t) => {
  const read = (settings: Record<string, string>) => (name: string) => settings[name];
  t.regex(namespaceAdvice(true, read({ 'user/max_user_namespaces': '0' })), /max_user_namespaces=10000/);
  t.regex(
    namespaceAdvice(true, read({ 'kernel/unprivileged_userns_clone': '0' })),
    /unprivileged_userns_clone=1/,
  );
  t.regex(
    namespaceAdvice(true, read({ 'kernel/apparmor_restrict_unprivileged_userns': '1' })),
    /apparmor_restrict_unprivileged_userns=0/,
  );
  t.notRegex(namespaceAdvice(false, read({ 'user/max_user_namespaces': '0' })), /max_user_namespaces/);
  t.true(namespaceAdvice(false, read({})).length > 0);
});

test("a user is found in the sandbox's passwd by name or number", (t) => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nwww:x:33:34::/:/bin/false\n';
  t.deepEqual(findUser(passwd, 'www'), { uid: 33, gid: 34 });
  t.deepEqual(findUser(passwd, 33), { uid: 33, gid: 34 });
  t.deepEqual(findUser(passwd, 5000), { uid: 5000, gid: 5000 });
  t.throws(() => findUser(passwd, 'nobody'));
});

test('the end of a console is shown without escape sequences', (t) => {
  const text = consoleTail(`${'line\n'.repeat(50)}\x1b[K[\x1b[1;32m OK \x1b[0m] last\r\n`);
  t.true(text.endsWith('[ OK ] last'));
  t.true(text.split('\n').length < 15);
  t.is(consoleTail(''), 'It printed nothing.');
});
