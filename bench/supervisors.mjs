// Supervisors to be started: finit-shim, and those that it is measured against, as command lines that start a given program.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param at - where it is measured: see main.mjs
 * @param program - what they shall start, a single file
 * @returns by name: file, arguments and environment
 */
export function supervisors(at, program) {
  const scratch = mkdtempSync(join(at.programs.directory, 'supervisors-'));
  const debian = (...candidates) =>
    realpathSync(
      candidates.map((path) => join(at.root, path)).find((path) => existsSync(path)) ?? candidates[0],
    );
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
  return {
    'finit-shim': command(at.programs.shim, '--status-dir', join(scratch, 'status'), '--', program),
    'dumb-init': command(debian('usr/bin/dumb-init'), program),
    runsv: command(debian('usr/bin/runsv'), directory('runsv')),
    tini: command(debian('usr/bin/tini'), '--', program),
    's6-supervise': {
      ...command(debian('usr/bin/s6-supervise', 'bin/s6-supervise'), directory('s6')),
      env: { LD_LIBRARY_PATH: own },
    },
    'a skeleton, musl and epoll': command(at.programs.skeleton, program),
    nothing: command(program),
  };
}
