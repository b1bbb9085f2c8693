/** Where finit's control groups are, and whether they are there. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import { DEFAULT_RUN_DIR } from '../run-dir.js';
import { namespaceDepth } from './processes.js';

/** A hierarchy, and the /proc that knows its processes. */
export interface Hierarchy {
  /** Its root, as seen from here. */
  path: string;
  proc: string;
  /** See {@link namespaceDepth}. */
  depth: number;
}

/** FINIT_CGPATH in src/finit.h. */
const CGROUPS = '/sys/fs/cgroup';

/** The groups that finit makes at boot: cgroup_init() in src/cgroup.c, 4.2 … 5.0-dev. */
const FINITS_OWN = ['init', 'system', 'user'];

/**
 * The hierarchy of the finit that has a run directory.
 * @throws {FinitError} `FINIT_UNSUPPORTED` where there is none, or it is not finit's; the message says which
 */
export function hierarchyOf(runDir: string): Hierarchy {
  if (!runDir.endsWith(DEFAULT_RUN_DIR))
    throw unsupported(
      `finit's file system cannot be found from the run directory ${runDir}: it should be ${DEFAULT_RUN_DIR}, or end with that`,
    );
  const root = runDir.slice(0, -DEFAULT_RUN_DIR.length);
  const [, pid] = /^\/proc\/(\d+)\/root$/.exec(root) ?? [];
  const path = root + CGROUPS;
  assertFinits(path);
  return { path, proc: '/proc', depth: pid === undefined ? 0 : namespaceDepth('/proc', Number(pid)) };
}

function assertFinits(path: string): void {
  if (!existsSync(join(path, 'cgroup.controllers'))) {
    const old = existsSync(join(path, 'cpu')) || existsSync(join(path, 'memory'));
    throw unsupported(
      `no cgroup v2 hierarchy at ${path}${old ? ', but the old kind, v1' : ''}. finit mounts one when it boots, if the kernel gives ` +
        'it the cpu controller and it is built with cgroups; otherwise its log says why not',
      path,
    );
  }
  const groups = readdirSync(path);
  if (!FINITS_OWN.every((group) => groups.includes(group)))
    throw unsupported(
      `the cgroup hierarchy at ${path} is not finit's: it has no groups ${FINITS_OWN.join(', ')}. Something else manages it`,
      path,
    );
}

function unsupported(message: string, path?: string): FinitError {
  return new FinitError(
    'FINIT_UNSUPPORTED',
    `No control groups: ${message}`,
    path === undefined ? {} : { path },
  );
}
