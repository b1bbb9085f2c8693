import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory with package.json: two above this file, one above the bundle. */
export const packageRoot = ((): string => {
  const above = join(dirname(fileURLToPath(import.meta.url)), '..');
  return existsSync(join(above, 'package.json')) ? above : join(above, '..');
})();
