/**
 * finit's configuration files: finit.conf, and the .conf files in finit.d, finit.d/available and finit.d/enabled (src/serv.c, the same
 * from 4.2 to 5.0-dev).
 */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finitRoot } from '../finit-root.js';
import { resolveRunDir } from '../run-dir.js';
import { EXIT, Failure, UsageError } from './command.js';

/** Where they are. Names are finit's; {@link seen} gives them as seen from here. */
export interface ConfPlaces {
  /** Before each name: '' or /proc/PID/root. */
  root: string;
  /** finit.conf. */
  conf: string;
  /** finit.d. */
  directory: string;
}

/**
 * Where the finit that is meant has its configuration: as FINIT_CONF and FINIT_RCSD in the environment say, as it wrote into .initrc in
 * its run directory (from 4.4), or /etc/finit.conf and /etc/finit.d.
 * @throws {Failure} when the run directory does not tell where finit's root is
 */
export function confPlaces(): ConfPlaces {
  const runDir = resolveRunDir();
  const root = finitRoot({ runDir });
  if (root === undefined)
    throw new Failure(
      EXIT.missingFile,
      `${runDir} does not tell where that finit has its configuration: only one that ends in /run/finit does`,
    );
  const said = (name: string): string | undefined => process.env[name] || readInitrc(runDir)[name];
  return {
    root,
    conf: said('FINIT_CONF') ?? '/etc/finit.conf',
    directory: (said('FINIT_RCSD') ?? '/etc/finit.d').replace(/(.)\/+$/, '$1'),
  };
}

function readInitrc(runDir: string): Record<string, string> {
  try {
    const lines = readFileSync(join(runDir, '.initrc'), 'utf8').split('\n');
    return Object.fromEntries(
      lines.flatMap((line) => {
        const [, name, value] = /^(\w+)=(.+)$/.exec(line) ?? [];
        return name && value ? [[name, value.trim()]] : [];
      }),
    );
  } catch {
    return {};
  }
}

/**
 * A path of finit's as it is seen from here. Of a link what it leads to: an absolute one below /proc/PID/root would lead to this
 * machine's own files.
 */
export function seen({ root }: ConfPlaces, path: string): string {
  let at = path;
  for (let hops = 0; hops < 20; hops++) {
    const target = linkTarget(root + at);
    if (target === undefined) return root + at;
    at = target.startsWith('/') ? target : join(dirname(at), target);
  }
  return root + at;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

const look = (path: string): Stats | undefined => {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
};

/** Whether there is something, behind links. */
export const exists = (places: ConfPlaces, path: string): boolean => look(seen(places, path)) !== undefined;

/** Whether there is a directory. */
export const isDirectory = (places: ConfPlaces, path: string): boolean =>
  look(seen(places, path))?.isDirectory() ?? false;

/** `name` with .conf behind it, once. */
export const withSuffix = (name: string): string => (name.endsWith('.conf') ? name : `${name}.conf`);

/**
 * A name of a .conf file, which lies in finit.d or below.
 * @throws {UsageError} for one that leads elsewhere
 */
export function checkConfName(name: string): string {
  if (name.startsWith('/'))
    throw new UsageError(`${name}: no absolute paths, the name of a .conf file in finit.d is expected`);
  if (name.includes('\0') || name.split('/').some((part) => part === '..' || part === '.'))
    throw new UsageError(`${name} leads out of finit.d`);
  return name;
}

/**
 * The file that `name` means, conf() in src/serv.c: finit.conf itself for `finit` and no name, else one in finit.d/available, else one in
 * finit.d.
 * @param create it need not be there, and available/ is made. (initctl puts the very first one into finit.d then, and so is done here.)
 * @param template for `name@id`: the `name@.conf` it is made from, rather than a file in finit.d
 * @returns undefined when there is no finit.d
 */
export function confPath(
  places: ConfPlaces,
  name: string,
  { create = false, template = false } = {},
): string | undefined {
  if (['', 'finit', 'finit.conf'].includes(name)) return places.conf;
  checkConfName(name);
  const { directory } = places;
  if (!isDirectory(places, directory)) return undefined;
  const available = `${directory}/available`;
  const own = withSuffix(`${directory}/${name}`);
  if (!isDirectory(places, available)) {
    if (create) mkdirSync(seen(places, available), { mode: 0o755 });
    return own;
  }
  const path = withSuffix(`${available}/${name}`);
  if (create || exists(places, path)) return path;
  const at = path.indexOf('@');
  return template && at >= 0 ? withSuffix(path.slice(0, at + 1)) : own;
}
