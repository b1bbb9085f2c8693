/** What a sandbox can be told, and checks of it. */
import { FinitError } from '../errors.js';
import type { PrepareOptions } from './root.js';

/** Content of a file in the sandbox; as an object, with its mode (default 0o644). */
export type SandboxFile = string | Uint8Array | { content: string | Uint8Array; mode?: number };

/** How {@link startSandbox} boots. */
export interface SandboxOptions extends PrepareOptions {
  /**
   * Boot this tree instead of Debian's packages: any directory that has finit in it, or `'/'`, the system that runs.
   * It is not written to. Its finit.conf, finit.d and fstab are not used, nor its plugins that set clock, modules or sysctls.
   */
  root?: string | undefined;
  /** finit's path in that tree. Default: the first of `/usr/sbin/finit`, `/sbin/finit`, … that is there. */
  init?: string | undefined;
  /** Arguments for finit, e.g. `['debug']`. */
  args?: readonly string[] | undefined;
  /** Files of /etc/finit.d, by name: `{ 'web.conf': 'service …' }`. */
  config?: Readonly<Record<string, string>> | undefined;
  /** /etc/finit.conf, in either of finit 5's formats. A `runlevel` is added unless it has one. */
  finitConf?: string | undefined;
  /** The runlevel to boot into, 1 … 5 or 7 … 9. Default: 2. */
  runlevel?: number | undefined;
  /** Files by absolute path. */
  files?: Readonly<Record<string, SandboxFile>> | undefined;
  /** Files and directories of the host to see in the sandbox, read-only, by absolute path there. */
  mounts?: Readonly<Record<string, string>> | undefined;
  /**
   * Where /usr/bin/node comes from: this process's own, Debian's package `nodejs`, or nowhere. Default: this process's own
   * if its libraries are in the root, otherwise the package (nowhere, with `root`).
   */
  node?: 'host' | 'package' | false | undefined;
  /** Default: `'finit'`. */
  hostname?: string | undefined;
  /** Use a user namespace. Default, `'auto'`: unless this process is root. */
  rootless?: boolean | 'auto' | undefined;
  /** Copy the root into memory instead of laying an overlay over it, as is done where overlays are not allowed. */
  copy?: boolean | undefined;
  /** For the boot, once the packages are there, in milliseconds. Default: 30 000. */
  timeout?: number | undefined;
  /** How {@link Sandbox} ends when disposed of: killed (the default, some milliseconds), or finit's orderly poweroff. */
  dispose?: 'kill' | 'poweroff' | undefined;
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` unless it is an absolute path without tabs and newlines. */
export function checkPath(path: string, what: string): void {
  if (!path.startsWith('/') || /[\t\n\0]/.test(path))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${what} must be an absolute path without tabs and newlines: ${JSON.stringify(path)}`,
      { path },
    );
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for what cannot be a file of finit.d. */
export function checkConfigName(name: string): void {
  if (!/^[^/\t\n\0]+\.conf$/.test(name) && !/^(available|enabled)\/[^/\t\n\0]+\.conf$/.test(name))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `finit reads only files like "web.conf" in finit.d, not ${JSON.stringify(name)}`,
    );
}

/** @throws {FinitError} `FINIT_INVALID_ARGUMENT` for what no sandbox can be made of. */
export function checkOptions(options: SandboxOptions): void {
  const { runlevel, hostname, root, packages } = options;
  if (runlevel !== undefined && ![1, 2, 3, 4, 5, 7, 8, 9].includes(runlevel))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `no runlevel to boot into: ${runlevel} (1 … 5, 7 … 9)`);
  if (hostname !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(hostname))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `not a host name: ${JSON.stringify(hostname)}`);
  if (root !== undefined && (packages?.length ?? 0) > 0)
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      'packages are laid into a tree of Debian\'s: "packages" and "root" exclude each other',
    );
  if (root !== undefined && options.node === 'package')
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      'node: "package" is for Debian\'s packages, not for "root"',
    );
  for (const argument of options.args ?? [])
    if (argument === '' || /[\t\n\0]/.test(argument))
      throw new FinitError(
        'FINIT_INVALID_ARGUMENT',
        `not an argument for finit: ${JSON.stringify(argument)}`,
      );
  for (const name of Object.keys(options.config ?? {})) checkConfigName(name);
  for (const path of Object.keys(options.files ?? {})) checkPath(path, 'the name of a file');
  for (const [target, source] of Object.entries(options.mounts ?? {})) {
    checkPath(target, 'the target of a mount');
    checkPath(source, 'the source of a mount');
  }
}
