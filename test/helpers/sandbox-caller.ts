/**
 * A process that starts a sandbox as its first argument (JSON options) says, prints its pid, and then does what the second
 * says: `stay`, `exit` without disposing, `throw`, or `dispose`. With `prepare` it only fills the cache; with `without-inotify` it has taken
 * all the inotify instances that its user may have.
 */
import { isFinitError } from '#src/errors.js';
import { native } from '#src/native.js';
import { prepareSandbox, startSandbox } from '#src/sandbox/index.js';

const [json = '{}', then = 'stay'] = process.argv.slice(2);
const held: unknown[] = [];
if (then === 'without-inotify')
  try {
    for (;;) held.push(new (native().Inotify)(() => {}));
  } catch {
    // These are all.
  }
try {
  if (then === 'prepare') {
    const { root, packages } = await prepareSandbox(JSON.parse(json));
    console.log(JSON.stringify({ root, finit: packages.finit }));
  } else {
    const box = await startSandbox(JSON.parse(json));
    const uid = (await box.exec(['id', '-u'])).stdout.trim();
    console.log(JSON.stringify({ pid: box.pid, version: box.version, rootless: box.rootless, uid }));
    if (then === 'stay') setInterval(() => {}, 2 ** 30);
    if (then === 'exit') process.exit(0);
    if (then === 'throw') setImmediate(() => JSON.parse('no JSON'));
    if (then === 'dispose') await box[Symbol.asyncDispose]();
  }
} catch (error) {
  if (!isFinitError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message, errno: error.errno }));
  // What it holds would keep it.
  process.exit(0);
}
