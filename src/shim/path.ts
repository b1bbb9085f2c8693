import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FinitError } from '../errors.js';

/**
 * The file name of the finit-shim that was installed with this package, for a stanza, or to spawn it.
 *
 * The environment's `NODE_FINIT_SHIM` says another one.
 * @throws {FinitError} `FINIT_UNSUPPORTED`: it was not built here
 */
export function shimPath(): string {
  const own = process.env.NODE_FINIT_SHIM;
  if (own) return own;
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
  const candidates = [
    join(root, 'build/Release/finit-shim'),
    join(root, `prebuilds/${process.platform}-${process.arch}/finit-shim`),
  ];
  const found = candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found) return found;
  throw new FinitError(
    'FINIT_UNSUPPORTED',
    `finit-shim is not in ${root}: neither ${candidates.map((file) => file.slice(root.length + 1)).join(' nor ')}. ` +
      'Build it with "npm rebuild node-finit", in a clone "npm run build:native" (needs a C compiler), or say in NODE_FINIT_SHIM where another one is.',
    { path: root },
  );
}
