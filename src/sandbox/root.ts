/** Trees to boot from: Debian's packages unpacked into the cache, once for each suite and set of packages. */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FinitError } from '../errors.js';
import {
  type AptFile,
  downloadFailed,
  downloadPackages,
  hasLists,
  type PrivateApt,
  privateApt,
  resolvePackages,
  updateLists,
} from './apt.js';
import { type Cache, cacheAt, lockCache, makeDir } from './cache.js';
import { bootTools, type PrepareTools, prepareTools, searchPath } from './host.js';
import { run, throwIfAborted } from './run.js';
import { findFinit, unwantedFiles } from './tree.js';

/** Raised when trees are built differently: old ones are then built anew. */
const LAYOUT = 1;

/** What every sandbox has: finit, a shell with tools, and the libraries of Node.js. */
const BASE_PACKAGES = ['busybox-static', 'finit', 'finit-plugins', 'finit-sysv', 'libgcc-s1', 'libstdc++6'];

/** The suite that is booted when none is named. */
export const DEFAULT_SUITE = 'forky';

/** Which tree is wanted. */
export interface PrepareOptions {
  /** Debian's suite, e.g. `'forky'` (finit 4.14) or `'trixie'` (4.12). Default: `'forky'`. */
  suite?: string | undefined;
  /**
   * Further Debian packages, with all they depend on. Their files only: no maintainer script runs, so users, databases
   * and alternatives that such scripts would make are not there.
   */
  packages?: readonly string[] | undefined;
  /** Default: `NODE_FINIT_CACHE`, or `node-finit` in `XDG_CACHE_HOME` or `~/.cache`. */
  cacheDir?: string | undefined;
  /** Debian's archive. Default: `NODE_FINIT_MIRROR`, or the one that the host's apt uses. */
  mirror?: string | undefined;
  /** Keys of the archive. Default: `NODE_FINIT_KEYRING`, or the host's. */
  keyring?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Told what is being done whenever that may take a while. */
  onProgress?: ((text: string) => void) | undefined;
}

/** A tree that can be booted. */
export interface PreparedRoot {
  /** The tree on the host. Read-only by agreement: sandboxes lay their changes over it. */
  root: string;
  suite: string;
  /** Everything in it, by name, with Debian's versions. */
  packages: Record<string, string>;
}

/** The name of a tree's folder: the same for the same suite and packages in any order. */
export function rootKey(suite: string, packages: readonly string[]): string {
  const wanted = [...new Set([...BASE_PACKAGES, ...packages])].sort();
  const hash = createHash('sha256')
    .update(JSON.stringify([LAYOUT, process.arch, wanted]))
    .digest('hex');
  return `${suite}-${hash.slice(0, 16)}`;
}

/** Name and version of a package, from the name of its file. */
export function packageOfFile(file: string): [name: string, version: string] {
  const [name = file, version = ''] = file.replace(/\.deb$/, '').split('_');
  return [name, decodeURIComponent(version)];
}

/**
 * Fills the cache for these options, unless it is filled: later starts with the same suite and packages need no network
 * and no apt. Processes that want the same at the same time wait for the first.
 *
 * A tree stays as it was made; delete the cache directory to have newer packages.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` saying what is missing: a tool, a mirror, the network, a suite, a package;
 *   `FINIT_INVALID_ARGUMENT`, `FINIT_ABORTED`, `FINIT_SYSTEM`.
 */
export async function prepareRoot(options: PrepareOptions = {}): Promise<PreparedRoot> {
  const suite = options.suite ?? DEFAULT_SUITE;
  if (!/^[a-z][a-z0-9-]*$/.test(suite))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `not the name of a Debian suite: ${JSON.stringify(suite)}`,
    );
  const packages = [...new Set(options.packages ?? [])].sort();
  for (const name of packages)
    if (!/^[a-z0-9][a-z0-9+.-]*(=[A-Za-z0-9.+:~-]+)?$/.test(name))
      throw new FinitError('FINIT_INVALID_ARGUMENT', `not the name of a package: ${JSON.stringify(name)}`);
  const cache = cacheAt(options.cacheDir);
  const dir = join(cache.roots, rootKey(suite, packages));
  const ready = await readInfo(dir);
  if (ready !== undefined) return ready;
  throwIfAborted(options.signal, 'preparing the sandbox');

  bootTools();
  await makeDir(cache.roots);
  await using _lock = await lockCache(bootTools(), cache, options.signal);
  return (await readInfo(dir)) ?? (await build(prepareTools(), cache, dir, suite, packages, options));
}

async function readInfo(dir: string): Promise<PreparedRoot | undefined> {
  try {
    const info = JSON.parse(await readFile(join(dir, 'info.json'), 'utf8')) as Omit<PreparedRoot, 'root'>;
    return { ...info, root: join(dir, 'root') };
  } catch {
    return undefined; // not built: the folder appears with everything in it
  }
}

/** Under the lock. */
async function build(
  tools: PrepareTools,
  cache: Cache,
  dir: string,
  suite: string,
  packages: readonly string[],
  options: PrepareOptions,
): Promise<PreparedRoot> {
  const { signal, onProgress } = options;
  // Left by a process that died: nobody else builds while we hold the lock.
  for (const name of await readdir(cache.roots))
    if (name.startsWith('.new-')) await rm(join(cache.roots, name), { recursive: true, force: true });

  const apt = await privateApt(tools, cache, {
    suite,
    mirror: options.mirror,
    keyring: options.keyring,
    signal,
  });
  const files = await fetchPackages(tools, apt, [...BASE_PACKAGES, ...packages], options);
  const temporary = join(cache.roots, `.new-${process.pid}`);
  try {
    const root = join(temporary, 'root');
    await skeleton(root);
    for (const [index, { file }] of files.entries()) {
      onProgress?.(`Unpacking ${packageOfFile(file)[0]} (${index + 1} of ${files.length})`);
      await unpack(tools, join(apt.archives, file), root, signal);
    }
    await finish(tools, root, suite, signal);
    const info = { suite, packages: Object.fromEntries(files.map(({ file }) => packageOfFile(file))) };
    await writeFile(join(temporary, 'info.json'), `${JSON.stringify(info, null, 2)}\n`);
    await chmod(temporary, 0o755);
    await rm(dir, { recursive: true, force: true });
    await rename(temporary, dir);
    return { ...info, root: join(dir, 'root') };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function fetchPackages(
  tools: PrepareTools,
  apt: PrivateApt,
  names: readonly string[],
  { signal, onProgress }: PrepareOptions,
): Promise<AptFile[]> {
  const update = async () => {
    onProgress?.(`Fetching the list of Debian ${apt.suite}'s packages`);
    await updateLists(tools, apt, signal);
  };
  let fresh = !(await hasLists(apt));
  if (fresh) await update();
  for (;;) {
    onProgress?.(`Resolving ${names.join(', ')}`);
    try {
      const files = await resolvePackages(tools, apt, names, signal);
      const size = files.reduce((sum, file) => sum + file.size, 0);
      onProgress?.(`Fetching ${files.length} packages, ${(size / 1e6).toFixed(1)} MB at most`);
      const result = await downloadPackages(tools, apt, names, {
        signal,
        onLine: (line) => {
          const name = /^Get:\d+ \S+ \S+ \S+ (\S+)/.exec(line)?.[1];
          if (name !== undefined) onProgress?.(`Fetching ${name}`);
        },
      });
      if (result.code === 0) return files;
      if (fresh) throw downloadFailed(apt, result);
    } catch (error) {
      if (fresh || !(error instanceof FinitError) || error.code !== 'FINIT_SANDBOX_UNAVAILABLE') throw error;
    }
    // The list is from an earlier run: the suite may have moved on since.
    await update();
    fresh = true;
  }
}

/** Merged /usr, as in Debian, and the directories that no package owns. */
async function skeleton(root: string): Promise<void> {
  const dirs = [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
    'root',
    'home',
  ];
  dirs.push('var/lib/misc', 'var/log', 'var/tmp', 'var/cache', 'mnt', 'opt', 'srv');
  for (const name of dirs) await mkdir(join(root, name), { recursive: true, mode: 0o755 });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
  await symlink('../run', join(root, 'var/run'));
  await symlink('../run/lock', join(root, 'var/lock'));
  for (const name of ['tmp', 'var/tmp']) await chmod(join(root, name), 0o1777);
}

const EXCLUDED = ['doc', 'man', 'info', 'locale', 'lintian', 'bug'];

// A failure of the first command must not look like the end of a short archive.
const UNPACK = '{ "$1" --fsys-tarfile "$2" || kill $$; } | { shift 2; exec "$@"; }';

/** The files alone: no maintainer script, no chroot, and all owned by us. */
async function unpack(tools: PrepareTools, deb: string, root: string, signal?: AbortSignal): Promise<void> {
  const tar = [tools.tar, '--extract', '--directory', root, '--preserve-permissions', '--no-same-owner'];
  // Debian's merged /usr: a package's /lib goes to where our link points.
  tar.push('--keep-directory-symlink', '--no-overwrite-dir');
  for (const name of EXCLUDED) tar.push(`--exclude=./usr/share/${name}`);
  const argv = ['/bin/sh', '-c', UNPACK, 'unpack', tools['dpkg-deb'], deb, ...tar];
  const result = await run(tools, argv, { signal, env: { PATH: searchPath(), LC_ALL: 'C' } });
  if (result.code !== 0)
    throw new FinitError('FINIT_SYSTEM', `cannot unpack ${deb} into ${root}: ${result.stderr.trim()}`, {
      path: deb,
    });
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;
const GROUP = `root:x:0:
daemon:x:1:
adm:x:4:
tty:x:5:
utmp:x:43:
nogroup:x:65534:
`;

/** What maintainer scripts would have done that a boot cannot do without. */
async function finish(tools: PrepareTools, root: string, suite: string, signal?: AbortSignal): Promise<void> {
  await applets(tools, root, signal);
  const files: Record<string, string> = {
    'etc/passwd': PASSWD,
    'etc/group': GROUP,
    'etc/shadow': 'root:*:19000:0:99999:7:::\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
    'etc/os-release': `ID=debian\nVERSION_CODENAME=${suite}\nPRETTY_NAME="finit on Debian ${suite}"\n`,
  };
  for (const [name, content] of Object.entries(files))
    if (!(await there(join(root, name)))) await writeFile(join(root, name), content, { mode: 0o644 });
  // finit 4.2 keeps initctl out of PATH.
  if (!(await there(join(root, 'usr/sbin/initctl'))))
    await symlink('/lib/finit/initctl', join(root, 'usr/sbin/initctl'));
  for (const name of await unwantedFiles(root, await findFinit(root))) await rm(join(root, name));
}

/** busybox under all its names, where no real program has the name. */
async function applets(tools: PrepareTools, root: string, signal?: AbortSignal): Promise<void> {
  const busybox = join(root, 'usr/bin/busybox');
  const listed = await run(tools, [busybox, '--list-full'], { signal, env: { PATH: searchPath() } });
  if (listed.code !== 0)
    throw new FinitError('FINIT_SYSTEM', `${busybox} does not run: ${listed.stderr.trim()}`, {
      path: busybox,
    });
  for (const name of listed.stdout.split('\n').filter(Boolean)) {
    // finit's own, under whatever path.
    if (/(^|\/)(init|linuxrc|halt|poweroff|reboot)$/.test(name)) continue;
    const link = join(root, name);
    await mkdir(dirname(link), { recursive: true, mode: 0o755 });
    if (!(await there(link))) await symlink('/bin/busybox', link);
  }
}

async function there(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
