// A worker may be terminated whatever it is doing in the addon, and takes nobody with it.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const program = join(dirname(fileURLToPath(import.meta.url)), 'terminated.js');

test('a worker that is terminated in the middle of a call does not end the process', async (t) => {
  t.timeout(180_000);
  t.is((await run(process.execPath, [program, '8'])).stdout, 'done\n');
});
