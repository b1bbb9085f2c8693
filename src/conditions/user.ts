/** The conditions that anybody (who is root) may set: those in usr/. */
import { existsSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import { parseUserConditionName } from '../protocol/condition-name.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { asList, nameLimit } from './names.js';
import { assertRunDir, conditionDir, RECONF } from './state.js';

/**
 * Sets conditions in `usr/`: services that are declared with `<usr/NAME>` may start. Setting one that is set changes nothing.
 * finit takes notice by itself, soon after.
 * @param names bare or with `usr/`
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM`
 */
export async function set(names: string | readonly string[], options: FinitOptions = {}): Promise<void> {
  // Relative, so that it holds from every mount namespace; finit only ever opens it (4.2 – 5.0-dev).
  change(names, options, (path) => symlinkSync(`../${RECONF}`, path), 'EEXIST');
}

/**
 * Clears conditions in `usr/`. Clearing one that is not set changes nothing. A clear makes finit call sync(), so it is not
 * for the beat of a loop.
 * @param names bare or with `usr/`
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM`
 */
export async function clear(names: string | readonly string[], options: FinitOptions = {}): Promise<void> {
  change(names, options, unlinkSync, 'ENOENT');
}

function change(
  names: string | readonly string[],
  options: FinitOptions,
  act: (path: string) => void,
  alreadySo: string,
): void {
  const runDir = resolveRunDir(options);
  const limit = nameLimit(runDir);
  // All are looked at before the first is touched.
  const parsed = asList(names).map((name) => parseUserConditionName(name, limit));
  assertRunDir(runDir);
  for (const name of parsed) {
    const path = join(conditionDir(runDir), name);
    try {
      act(path);
    } catch (cause) {
      throwUnless(cause, alreadySo, runDir, path, name);
    }
  }
}

function throwUnless(cause: unknown, alreadySo: string, runDir: string, path: string, name: string): void {
  const { code = '', syscall = '' } = cause as NodeJS.ErrnoException;
  const details = { cause, path, subject: name, errno: code, syscall };
  const directory = join(conditionDir(runDir), 'usr');
  if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes(code) && !existsSync(directory))
    throw new FinitError(
      'FINIT_NOT_RUNNING',
      `<${name}> cannot be changed: ${directory} is not there. finit makes it when it boots and removes it when it shuts down`,
      details,
    );
  if (code === alreadySo) return;
  if (code === 'EACCES' || code === 'EPERM')
    throw new FinitError(
      'FINIT_ACCESS_DENIED',
      `<${name}> cannot be changed: no permission to write ${directory}. Run as root`,
      details,
    );
  throw new FinitError('FINIT_SYSTEM', `<${name}> cannot be changed: ${code} in ${directory}`, details);
}
