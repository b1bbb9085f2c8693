/** Names as this finit takes them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_NAME_4X } from '../protocol/condition-name.js';

/** finit 5 keeps whole names; 4.x is told by its not having a bus. */
export const nameLimit = (runDir: string): number | undefined =>
  existsSync(join(runDir, 'bus')) ? undefined : MAX_NAME_4X;

/** One, or several. */
export const asList = (names: string | readonly string[]): readonly string[] =>
  typeof names === 'string' ? [names] : names;
