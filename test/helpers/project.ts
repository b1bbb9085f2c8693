import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root: tests run from dist-test/<folder>/. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../..');
