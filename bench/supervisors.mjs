// Supervisors to be started: finit-shim, and those that it is measured against, as command lines that start a given program.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian has them, in the root of the peers. */
const FILES = {
  'dumb-init': 'usr/bin/dumb-init',
  runsv: 'usr/bin/runsv',
  tini: 'usr/bin/tini',
  's6-supervise': 'usr/bin/s6-supervise',
};

/**
 * On this machine.
 * @param at - where it is measured: see main.mjs
 * @param program - what they shall start, a single file
 * @returns by name: file, arguments and environment
 */
export function supervisorsHere(at, program) {
  const scratch = mkdtempSync(join(at.programs.directory, 'supervisors-'));
  /** runsv and s6-supervise take a directory with a program called run. */
  const directory = (name) => {
    const path = join(scratch, name);
    mkdirSync(path);
    copyFileSync(program, join(path, 'run'));
    return path;
  };
  // s6's own library, and none of the other libraries there: those are the machine's.
  const own = join(scratch, 'lib');
  mkdirSync(own);
  for (const name of ['libs6.so.2.11', 'libskarnet.so.2.13']) {
    const file = join(at.lib, name);
    if (existsSync(file)) symlinkSync(file, join(own, name));
  }
  const command = (file, ...args) => ({ file, args, env: {} });
  const debian = (name) => realpathSync(join(at.root, FILES[name]));
  return {
    'finit-shim': command(at.programs.shim, '--status-dir', join(scratch, 'status'), '--', program),
    'dumb-init': command(debian('dumb-init'), program),
    runsv: command(debian('runsv'), directory('runsv')),
    tini: command(debian('tini'), '--', program),
    's6-supervise': { ...command(debian('s6-supervise'), directory('s6')), env: { LD_LIBRARY_PATH: own } },
    'a skeleton, musl and epoll': command(at.programs.skeleton, program),
    nothing: command(program),
  };
}

/** In a box with the root of the peers, and the bench's programs at /srv/bench: command lines for its shell. */
export const supervisorsInBox = {
  'finit-shim': '/srv/bench/finit-shim -- /srv/bench/stamp',
  'dumb-init': '/usr/bin/dumb-init /srv/bench/stamp',
  runsv: '/usr/bin/runsv /tmp/runsv',
  tini: '/usr/bin/tini -- /srv/bench/stamp',
  's6-supervise': '/usr/bin/s6-supervise /tmp/s6',
  'a skeleton, musl and epoll': '/srv/bench/skeleton /srv/bench/stamp',
};

/** What the ones with directories need in the box. */
export const PREPARE_BOX =
  'mkdir -p /tmp/runsv /tmp/s6 && cp /srv/bench/stamp /tmp/runsv/run && cp /srv/bench/stamp /tmp/s6/run';

/** A FIFO for bench/stamp.c. */
export function fifo(at) {
  const path = join(mkdtempSync(join(at.programs.directory, 'start-')), 'stamp');
  execFileSync('mkfifo', [path]);
  return path;
}
