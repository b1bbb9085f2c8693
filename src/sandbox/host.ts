/** What the sandbox needs of the host, and what to say when it is not there. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FinitError } from '../errors.js';

/** Tools that every start needs, by the Debian package that has them. */
const BOOT_TOOLS = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  pivot_root: 'util-linux',
  mount: 'mount',
  find: 'findutils',
} as const;

/** Tools that only filling the cache needs. */
const PREPARE_TOOLS = {
  'apt-get': 'apt',
  'apt-config': 'apt',
  'dpkg-deb': 'dpkg',
  tar: 'tar',
} as const;

/** Absolute paths of the tools. */
export type Tools = Record<keyof typeof BOOT_TOOLS, string>;
/** Absolute paths of the tools that fill the cache. */
export type PrepareTools = Tools & Record<keyof typeof PREPARE_TOOLS, string>;

/** PATH with the directories of administration tools, which a user's PATH often lacks. */
export function searchPath(env: NodeJS.ProcessEnv = process.env): string {
  const known = (env.PATH ?? '').split(delimiter).filter((dir) => dir.startsWith('/'));
  for (const dir of ['/usr/sbin', '/usr/bin', '/sbin', '/bin']) if (!known.includes(dir)) known.push(dir);
  return known.join(delimiter);
}

function which(name: string, path: string): string | undefined {
  for (const dir of path.split(delimiter)) {
    const file = join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}

function find<K extends string>(wanted: Record<K, string>, path: string, hint: string): Record<K, string> {
  const found: Partial<Record<K, string>> = {};
  const missing: K[] = [];
  for (const name of Object.keys(wanted) as K[]) {
    const file = which(name, path);
    if (file === undefined) missing.push(name);
    else found[name] = file;
  }
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((name) => wanted[name]))].join(' ');
    throw new FinitError(
      'FINIT_SANDBOX_UNAVAILABLE',
      `the sandbox needs ${missing.join(', ')}, not found in ${path}: apt-get install ${packages}${hint}`,
      { subject: missing.join(' ') },
    );
  }
  return found as Record<K, string>;
}

/**
 * The tools that a start needs.
 * @throws {FinitError} `FINIT_UNSUPPORTED` off Linux, `FINIT_SANDBOX_UNAVAILABLE` with the package that is missing.
 */
export function bootTools(path: string = searchPath()): Tools {
  if (process.platform !== 'linux')
    throw new FinitError(
      'FINIT_UNSUPPORTED',
      `the sandbox needs Linux namespaces, this is ${process.platform}`,
    );
  return find(BOOT_TOOLS, path, '');
}

/**
 * The tools that filling the cache needs. A user who put a directory without apt first in PATH meant it: only the
 * given PATH is searched for apt.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` with the package that is missing.
 */
export function prepareTools(env: NodeJS.ProcessEnv = process.env): PrepareTools {
  const hint =
    ' (or give a tree that has finit: the option "root", --root DIR; with a filled cache apt is not needed)';
  return { ...bootTools(searchPath(env)), ...find(PREPARE_TOOLS, env.PATH ?? '', hint) };
}

function sysctl(name: string): string | undefined {
  try {
    return readFileSync(join('/proc/sys', name), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Why the kernel may have refused the namespaces, as advice.
 * @param read Reads a file below /proc/sys; for tests.
 */
export function namespaceAdvice(
  rootless: boolean,
  read: (name: string) => string | undefined = sysctl,
): string {
  const advice: string[] = [];
  const zero = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'].filter(
    (kind) => (rootless || kind !== 'user') && read(`user/max_${kind}_namespaces`) === '0',
  );
  for (const kind of zero)
    advice.push(
      `user.max_${kind}_namespaces is 0: as root, sysctl -w user.max_${kind}_namespaces=10000 allows them`,
    );
  if (rootless && read('kernel/unprivileged_userns_clone') === '0')
    advice.push('as root, sysctl -w kernel.unprivileged_userns_clone=1 allows user namespaces');
  if (rootless && read('kernel/apparmor_restrict_unprivileged_userns') === '1')
    advice.push('as root, sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 allows user namespaces');
  if (advice.length === 0 && (existsSync('/.dockerenv') || existsSync('/run/.containerenv')))
    advice.push(
      'this is a container: start it with --privileged, or with --security-opt seccomp=unconfined ' +
        '--security-opt systempaths=unconfined --cap-add SYS_ADMIN',
    );
  if (advice.length === 0)
    advice.push(
      rootless
        ? 'the kernel or a security module forbids user namespaces here; run it as root'
        : 'a container, a seccomp filter or a missing capability (CAP_SYS_ADMIN) forbids it; ' +
            'where user namespaces are allowed, the option "rootless" does without',
    );
  return advice.join('; ');
}
