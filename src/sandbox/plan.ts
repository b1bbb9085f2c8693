/** Turns options into the files that keeper.sh and inner.sh work from. */
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import type { SandboxFile, SandboxOptions } from './options.js';
import { findFinit, resolveInRoot, separateMounts, unwantedFiles } from './tree.js';

/** What is booted. */
export interface Plan {
  /** Steps for inner.sh, in order: fields to be separated by tabs. */
  steps: string[][];
  /** finit and its arguments. */
  argv: string[];
  /** Contents that `put` steps name by their index. */
  contents: (string | Uint8Array)[];
}

/**
 * A line that only finit 5's block format has: a section with at most one title, or one of its settings (src/conf.c,
 * conf_opts, of 5.0-dev). A bare `KEY=value` is no sign: in the line format that is an environment variable.
 */
const BLOCK_LINE =
  /^[ \t]*(?:(?:service|task|run|sysv|tty|cgroup|rlimit|environment|env|log)(?:\s+(?:"[^"\n]*"|'[^'\n]*'|[^\s"'{}]+))?\s*\{|(?:runlevel|hostname|modules|mod|mknod|network|rcsd|runparts|runparts-progress|runparts-sysv|readiness|reboot-delay|reboot-watchdog|service-interval|shutdown)\s*\+?=)/m;

/**
 * /etc/finit.conf: `text` with a runlevel, in the format that the text is in. finit 5 reads a file that mixes the two as
 * lines, and then takes nothing from its blocks.
 */
export function finitConf(text = '', runlevel = 2): string {
  // Of two settings of a block file the later one counts; that of a service is within braces.
  if (BLOCK_LINE.test(text)) return `runlevel = ${runlevel}\n${text}`;
  return /^[ \t]*runlevel[ \t]/m.test(text) ? text : `runlevel ${runlevel}\n${text}`;
}

/**
 * The plan for booting `root`.
 *
 * Every path that inner.sh writes to is first resolved within the root: it works before the change of root, when an
 * absolute symbolic link in the tree (as finix has them) would lead into the host's file system.
 * @param node The Node.js program to show as /usr/bin/node.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` without finit in the root, `FINIT_INVALID_ARGUMENT` for a missing mount source.
 */
export async function makePlan(
  root: string,
  options: SandboxOptions,
  node: string | undefined,
): Promise<Plan> {
  const init = await findFinit(root, options.init);
  const steps: string[][] = [];
  const contents: (string | Uint8Array)[] = [];
  if (options.copy) steps.push(['copy']);
  steps.push(['root', root]);
  for (const dir of await separateMounts(root)) steps.push(['sub', join(root, dir), dir]);
  for (const path of await unwantedFiles(root, init)) steps.push(['hide', path]);
  steps.push(['kernel']);
  const finitd = await resolveInRoot(root, '/etc/finit.d');
  steps.push(['config', finitd]);

  const mounts = { ...options.mounts };
  if (node !== undefined) mounts['/usr/bin/node'] ??= node;
  for (const [target, source] of Object.entries(mounts)) {
    const real = await realpath(source).catch(() => undefined);
    const there = real === undefined ? undefined : await stat(real);
    if (real === undefined || there === undefined || /[\t\n]/.test(real))
      throw new FinitError('FINIT_INVALID_ARGUMENT', `cannot mount ${source}: it is not there`, {
        path: source,
      });
    steps.push([there.isDirectory() ? 'dir' : 'file', real, await resolveInRoot(root, target)]);
  }

  const put = (path: string, content: string | Uint8Array, mode = 0o644) => {
    steps.push(['put', String(contents.length), mode.toString(8), path]);
    contents.push(content);
  };
  const hostname = options.hostname ?? 'finit';
  const files: Record<string, SandboxFile> = {
    // finit mounts what is listed there (src/finit.c, fs_mount_all), and swaps on it
    '/etc/fstab': '',
    '/etc/hostname': `${hostname}\n`,
    '/etc/hosts': `127.0.0.1 localhost ${hostname}\n::1 localhost\n`,
    '/etc/finit.conf': finitConf(options.finitConf, options.runlevel),
    ...options.files,
  };
  for (const [path, file] of Object.entries(files)) {
    const target = await resolveInRoot(root, path);
    if (typeof file === 'string' || file instanceof Uint8Array) put(target, file);
    else put(target, file.content, file.mode);
  }
  for (const [name, content] of Object.entries(options.config ?? {})) put(join(finitd, name), content);
  return { steps, argv: [init, ...(options.args ?? [])], contents };
}

/** Writes the plan into a sandbox's folder. */
export async function writePlan(dir: string, plan: Plan, rootless: boolean): Promise<void> {
  await mkdir(join(dir, 'files'));
  for (const [index, content] of plan.contents.entries())
    await writeFile(join(dir, 'files', String(index)), content);
  await writeFile(join(dir, 'plan'), plan.steps.map((step) => `${step.join('\t')}\n`).join(''));
  await writeFile(join(dir, 'argv'), `${plan.argv.join('\t')}\n`);
  await writeFile(
    join(dir, 'cgroups'),
    (await cgroupParents(rootless)).map((parent) => `${parent}\n`).join(''),
  );
  if (rootless) await writeFile(join(dir, 'rootless'), '');
}

/**
 * Directories in which a cgroup for the sandbox may be made, best first: for root the top of the hierarchy, then our own
 * cgroup. Whether it is allowed there is found out by trying.
 * @param mountinfo Text of /proc/self/mountinfo.
 * @param own Text of /proc/self/cgroup.
 */
export function cgroupCandidates(mountinfo: string, own: string, root: boolean): string[] {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    if (!right.startsWith('cgroup2 ')) continue;
    const [, , , top, mountPoint] = left.split(' ');
    if (top === undefined || mountPoint === undefined || mountPoint.includes('\\')) continue;
    const path = /^0::(\/.*)$/m.exec(own)?.[1];
    const found = root ? [mountPoint] : [];
    if (path !== undefined && path !== '/' && !path.startsWith('/..')) {
      // The mount may show a part of the hierarchy only; our path counts from the top of our cgroup namespace.
      if (top === '/') found.push(join(mountPoint, path));
      else if (path.startsWith(`${top}/`)) found.push(join(mountPoint, path.slice(top.length)));
    }
    return found;
  }
  return [];
}

async function cgroupParents(rootless: boolean): Promise<string[]> {
  const [mountinfo, own] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8').catch(() => ''),
  ]);
  return cgroupCandidates(mountinfo, own, !rootless || process.getuid?.() === 0);
}
