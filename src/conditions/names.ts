/** Names as this finit takes them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cutConditionName, MAX_NAME_4X } from '../protocol/condition-name.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';

/** finit 5 keeps whole names; 4.x is told by its not having a bus. */
export const nameLimit = (runDir: string): number | undefined =>
  existsSync(join(runDir, 'bus')) ? undefined : MAX_NAME_4X;

/** One, or several. */
export const asList = (names: string | readonly string[]): readonly string[] =>
  Array.isArray(names) ? names : [names as string];

/** Whether this finit knows a condition by the beginning of its name only, which others may share. */
export function isCut(name: string, options: FinitOptions = {}): boolean {
  return cutConditionName(name, MAX_NAME_4X) !== name && nameLimit(resolveRunDir(options)) !== undefined;
}
