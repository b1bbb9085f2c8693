/** Debian's kernel, with the drivers of watchdogs: unpacked into the sandbox's cache, once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { privateApt, resolvePackages, updateLists } from '#src/sandbox/apt.js';
import { cacheAt, lockCache, makeDir } from '#src/sandbox/cache.js';
import { prepareTools, searchPath } from '#src/sandbox/host.js';
import { run } from '#src/sandbox/run.js';

/** Debian's stable. Its cloud kernel has no i6300esb. */
const SUITE = 'trixie';
/** It only depends on the kernel that is current. */
const META = 'linux-image-amd64';
/** The kernel's own packages among those; not what would make an initramfs. Newer suites have it in several. */
const WANTED = /^linux-(image|binary|modules)-\d[^_]*/;
const MEMBERS = [
  './boot/vmlinuz-*',
  ...['watchdog', 'mfd'].map((dir) => `./usr/lib/modules/*/kernel/drivers/${dir}/*`),
];

export interface Kernel {
  /** e.g. `Linux 6.12.117-1 of Debian trixie`. */
  description: string;
  image: string;
  /** A folder of modules, NAME.ko. */
  modules: string;
}

/** @param busybox - a program that has `unxz`. */
export async function prepareKernel(
  busybox: string,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<Kernel> {
  const tools = prepareTools();
  const cache = cacheAt();
  const dir = join(cache.dir, 'kernels', SUITE);
  const kernel = async (): Promise<Kernel> => ({
    description: await readFile(join(dir, 'description'), 'utf8'),
    image: join(dir, 'vmlinuz'),
    modules: join(dir, 'modules'),
  });
  if (existsSync(dir)) return kernel();
  await makeDir(cache.dir);
  await using _lock = await lockCache(tools, cache, signal);
  if (existsSync(dir)) return kernel();

  const must = async (argv: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) => {
    const result = await run(tools, argv, { signal, ...options });
    if (result.code !== 0) throw new Error(`${argv[0]} failed: ${result.stderr.trim() || result.stdout}`);
  };
  const temporary = join(cache.dir, 'kernels', `.new-${process.pid}`);
  try {
    await mkdir(join(temporary, 'modules'), { recursive: true });
    onProgress(`Fetching the list of Debian ${SUITE}'s packages`);
    const apt = await privateApt(tools, cache, { suite: SUITE, signal });
    await updateLists(tools, apt, signal);
    const files = (await resolvePackages(tools, apt, [META], signal)).filter(({ file }) => WANTED.test(file));
    for (const { file, size } of files) {
      const [name = file, version = ''] = file
        .replace(/\.deb$/, '')
        .split('_')
        .map(decodeURIComponent);
      onProgress(`Fetching ${name}, ${(size / 1e6).toFixed(1)} MB`);
      const env = { ...process.env, PATH: searchPath(), LC_ALL: 'C', APT_CONFIG: apt.config };
      // Unlike `install`, it takes this package and nothing that it depends on.
      await must([tools['apt-get'], '-q', 'download', `${name}=${version}`], { cwd: temporary, env });
      await writeFile(join(temporary, 'description'), `Linux ${version} of Debian ${SUITE}`);
    }
    onProgress('Unpacking the kernel and its drivers');
    for (const deb of readdirSync(temporary).filter((name) => name.endsWith('.deb'))) {
      // tar fails for what one of several packages has not; what is missing in the end is seen below.
      const unpack = '"$1" --fsys-tarfile "$2" | { shift 2; "$@"; } || :';
      const tar = [tools.tar, '--extract', '--wildcards', ...MEMBERS];
      await must(['/bin/sh', '-c', unpack, 'unpack', tools['dpkg-deb'], deb, ...tar], { cwd: temporary });
      await rm(join(temporary, deb));
    }
    for (const path of readdirSync(temporary, { recursive: true, encoding: 'utf8' })) {
      const from = join(temporary, path);
      if (/^boot\/vmlinuz-/.test(path)) await rename(from, join(temporary, 'vmlinuz'));
      else if (/\.ko(\.xz)?$/.test(path)) await rename(from, join(temporary, 'modules', basename(path)));
    }
    const modules = join(temporary, 'modules');
    const packed = readdirSync(modules).filter((name) => name.endsWith('.xz'));
    if (packed.length > 0) await must([busybox, 'unxz', ...packed], { cwd: modules });
    for (const rest of ['boot', 'usr']) await rm(join(temporary, rest), { recursive: true, force: true });
    for (const name of ['vmlinuz', 'modules/watchdog.ko'])
      if (!existsSync(join(temporary, name)))
        throw new Error(`no ${name} in ${files.map(({ file }) => file).join(', ') || META}`);
    await rename(temporary, dir);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return kernel();
}

/** These modules and all that they depend on, such that each comes after what it needs. */
export function inLoadingOrder(modules: string, names: readonly string[]): string[] {
  const order = new Set<string>();
  const add = (name: string): void => {
    if (order.has(name)) return;
    const [, depends = ''] =
      /\0depends=([^\0]*)\0/.exec(readFileSync(join(modules, `${name}.ko`), 'latin1')) ?? [];
    for (const needed of depends.split(',')) if (needed !== '') add(needed.replaceAll('-', '_'));
    order.add(name);
  };
  for (const name of names) add(name);
  return [...order];
}
