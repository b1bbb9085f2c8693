import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root: tests run from dist-test/<folder>/. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What the package installs as `node-finit`. */
export const program = join(projectRoot, 'dist/node-finit.cjs');
