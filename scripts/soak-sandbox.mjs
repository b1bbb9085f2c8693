// Boots the sandbox 50 times in a row and 8 at once, as root also in user namespaces, and looks for what is left behind.
//
//   npm run soak [-- SUITE]
import { prepareSandbox, startSandbox } from '../dist/sandbox/index.js';
import { leftOf, traceSandbox } from '../dist-test/helpers/sandbox-trace.js';

const suite = process.argv[2] ?? 'forky';
const config = { 'sleeper.conf': 'service [2345] name:sleeper sleep 1000 -- Sleeper\n' };

const traces = [];

function check(what) {
  const left = traces.splice(0).flatMap(leftOf);
  console.log(left.length === 0 ? `${what}: nothing left` : `${what}: LEFT BEHIND: ${left.join(', ')}`);
  if (left.length > 0) process.exitCode = 1;
}

async function boot(rootless, orderly) {
  const start = performance.now();
  const box = await startSandbox({ suite, config, rootless });
  const up = performance.now() - start;
  traces.push(traceSandbox(box.pid));
  const { stdout } = await box.initctl('-p', 'status');
  if (!/sleeper.*running/.test(stdout)) throw new Error(`the service does not run:\n${stdout}`);
  const ending = performance.now();
  const end = orderly ? await box.poweroff() : await box.kill();
  if (orderly && end.killed) throw new Error(`poweroff did not work:\n${box.console()}`);
  return { up, down: performance.now() - ending };
}

const middle = (values) => Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
const summary = (runs) => {
  const ups = runs.map(({ up }) => up);
  return `up after ${middle(ups)} ms (${Math.round(Math.min(...ups))} … ${Math.round(Math.max(...ups))}), gone after ${middle(runs.map(({ down }) => down))} ms`;
};

await prepareSandbox({ suite, onProgress: (text) => console.log(text) });
for (const rootless of process.getuid() === 0 ? [false, true] : [true]) {
  const kind = rootless ? 'user namespace' : 'root';
  for (const orderly of [true, false]) {
    const runs = [];
    for (let i = 0; i < 25; i++) runs.push(await boot(rootless, orderly));
    console.log(`${kind}, 25 in a row, ${orderly ? 'poweroff' : 'kill'}: ${summary(runs)}`);
  }
  check(`${kind}, 50 in a row`);
  const start = performance.now();
  const runs = await Promise.all(Array.from({ length: 8 }, () => boot(rootless, true)));
  console.log(
    `${kind}, 8 at once: ${summary(runs)}, all done after ${Math.round(performance.now() - start)} ms`,
  );
  check(`${kind}, 8 at once`);
}
