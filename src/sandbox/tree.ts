/** Questions to a root file system that is not ours: its symbolic links are followed within it. */
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { FinitError } from '../errors.js';

/**
 * Where `path` leads in a system whose root is `root`: an absolute path without symbolic links, relative to that root.
 * Names that do not exist are kept as they are. Absolute links and `..` never lead out of the root.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a loop of links.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  const pending = normalize(`/${path}`).split('/').filter(Boolean);
  let done: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const name = pending.shift() as string;
    if (name === '.' || name === '') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = await readlink(join(root, ...done, name)).catch(() => undefined);
    if (target === undefined) {
      done.push(name);
      continue;
    }
    if (++links > 40)
      throw new FinitError('FINIT_INVALID_ARGUMENT', `too many symbolic links in ${path}`, { path });
    if (target.startsWith('/')) done = [];
    pending.unshift(...target.split('/'));
  }
  return `/${done.join('/')}`;
}

/** True when something is there; dangling links count as nothing. */
async function existsInRoot(root: string, path: string): Promise<boolean> {
  return lstat(join(root, await resolveInRoot(root, path))).then(
    () => true,
    () => false,
  );
}

/**
 * The path, inside `root`, of the finit to run as PID 1.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` when there is none.
 */
export async function findFinit(root: string, init?: string): Promise<string> {
  if (!(await stat(root).catch(() => undefined))?.isDirectory())
    throw new FinitError('FINIT_SANDBOX_UNAVAILABLE', `${root} is no directory to boot from`, { path: root });
  if (init !== undefined) {
    if (await existsInRoot(root, init)) return init;
    throw new FinitError('FINIT_SANDBOX_UNAVAILABLE', `there is no ${init} in ${root}`, { path: root });
  }
  for (const dir of ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin'])
    if (await existsInRoot(root, `${dir}/finit`)) return `${dir}/finit`;
  // A system that has finit under the name of init only.
  if ((await resolveInRoot(root, '/sbin/init')).endsWith('/finit')) return '/sbin/init';
  throw new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    `there is no finit in ${root}: give a tree that has one (e.g. in /usr/sbin), name it with the option "init", ` +
      'or leave "root" out to boot Debian\'s',
    { path: root },
  );
}

/**
 * Plugins that would set the host's clock, load its modules or change its kernel's settings (rtc.c calls settimeofday,
 * modprobe.c and modules-load.c run modprobe, procps.c runs sysctl: finit 4.14, plugins/), or serve hardware that a
 * sandbox has not.
 */
const PLUGINS = [
  'alsa-utils',
  'hotplug',
  'modprobe',
  'modules-load',
  'procps',
  'resolvconf',
  'rtc',
  'urandom',
  'x11-common',
];
/** Device coldplugging (system/10-hotplug.conf of finit 4.14 starts udev, mdevd or mdev), and a test server. */
const STANZAS = ['10-hotplug', '90-testserv'];
/** Directories for daemons that are not there, with owners that are not there: noise on the console. */
const TMPFILES = ['dnsmasq', 'frr', 'lldpd', 'openswan', 'quagga', 'sshd', 'testserv', 'uuidd', 'x11'];

/** The files of finit's that must not be seen in a sandbox, as paths inside `root`. */
export async function unwantedFiles(root: string, init: string): Promise<string[]> {
  const own = dirname(dirname(await resolveInRoot(root, init)));
  const libs = new Set<string>();
  for (const lib of ['/usr/lib', '/lib', '/usr/local/lib', '/usr/lib64', join(own, 'lib')])
    libs.add(await resolveInRoot(root, lib));
  // Debian's multiarch directories: /usr/lib/x86_64-linux-gnu
  for (const lib of [...libs])
    for (const entry of await readdir(join(root, lib), { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory() && /-linux-/.test(entry.name)) libs.add(join(lib, entry.name));
  const candidates: string[] = ['/etc/rc.local'];
  for (const lib of libs)
    candidates.push(
      ...PLUGINS.map((name) => join(lib, 'finit/plugins', `${name}.so`)),
      ...STANZAS.map((name) => join(lib, 'finit/system', `${name}.conf`)),
      ...TMPFILES.map((name) => join(lib, 'finit/tmpfiles.d', `${name}.conf`)),
    );
  const found: string[] = [];
  for (const path of candidates)
    if (await existsInRoot(root, path)) found.push(await resolveInRoot(root, path));
  return [...new Set(found)];
}

/** Directories of the host that are its kernel's, and are made anew in every sandbox. */
const API_DIRS = new Set(['proc', 'sys', 'dev', 'run', 'tmp']);

/**
 * Top-level directories of `root` that are file systems of their own (a separate /usr, /nix, /var): an overlay shows
 * only the directory below such a mount.
 */
export async function separateMounts(root: string): Promise<string[]> {
  const { dev } = await stat(root);
  const found: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true }))
    if (entry.isDirectory() && !API_DIRS.has(entry.name) && !/[\t\n]/.test(entry.name)) {
      const there = await stat(join(root, entry.name)).catch(() => undefined);
      if (there !== undefined && there.dev !== dev) found.push(`/${entry.name}`);
    }
  return found;
}
