// The system's watchdog with a real driver and a real finit, in qemu: npm run test:qemu
//
//   node dist-test/qemu/main.js [SCENARIO…]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareSandbox } from '#src/sandbox/index.js';
import { makeImage } from './image.js';
import { type Kernel, prepareKernel } from './kernel.js';
import { Machine } from './machine.js';
import { filesOf, type Scenario, scenarios } from './scenarios.js';
import { Watcher } from './watcher.js';

/** A scenario takes some twenty seconds on a machine that has nothing else to do. */
const LIMIT = 15 * 60_000;
/** Of the console, when a scenario fails. */
const TAIL = 40;

const say = (text: string) => process.stdout.write(`${text}\n`);
const interrupted = new AbortController();
let [passed, failed] = [0, 0];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !scenarios.some((one) => one.name === name));
if (unknown.length > 0) {
  say(`No scenario ${unknown.join(', ')}: there are ${scenarios.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
if (process.arch !== 'x64') {
  say(`Node and finit run in an x86-64 machine here; this Node is for ${process.arch}.`);
  process.exit(2);
}

const dir = mkdtempSync(join(tmpdir(), 'node-finit-qemu-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    process.exitCode = 130;
    interrupted.abort(new Error(`Ended by ${signal}.`));
  });

try {
  await main();
} catch (error) {
  say(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode ||= 1;
}
if (!interrupted.signal.aborted) say(`\n${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode ||= 1;
process.exit();

async function main(): Promise<void> {
  const onProgress = (text: string) => say(`${text} …`);
  const { signal } = interrupted;
  const { root, packages } = await prepareSandbox({ onProgress, signal });
  const kernel = await prepareKernel(join(root, 'usr/bin/busybox'), onProgress, signal);
  const qemu = /version (\S+)/.exec(
    spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).stdout,
  );
  say(
    `finit ${packages.finit} as PID 1, ${kernel.description}, Node ${process.versions.node}, qemu ${qemu?.[1]}`,
  );
  say('Emulated; the seconds on the left are those of the machine.');
  const initrd = join(dir, 'initrd');
  await makeImage(initrd, root, kernel, new Map(scenarios.map((one) => [one.name, filesOf(one)])));
  const chosen = scenarios.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  for (const [index, scenario] of chosen.entries()) {
    say(`\n${index + 1}/${chosen.length}  ${scenario.title}`);
    if (await succeeds(scenario, kernel, initrd)) passed++;
    else failed++;
    signal.throwIfAborted();
  }
}

async function succeeds(scenario: Scenario, kernel: Kernel, initrd: string): Promise<boolean> {
  const start = performance.now();
  await using machine = await Machine.start({
    dir,
    kernel: kernel.image,
    initrd,
    scenario: scenario.name,
    whenFired: scenario.whenFired,
  });
  const watcher = new Watcher(machine, say);
  const limit = AbortSignal.any([interrupted.signal, AbortSignal.timeout(LIMIT)]);
  const over = new Promise<never>((_, reject) =>
    limit.addEventListener('abort', () => reject(limit.reason), { once: true }),
  );
  try {
    await Promise.race([scenario.watch(watcher), over]);
    const seconds = Math.round((performance.now() - start) / 1000);
    say(`     passed: ${Math.round(watcher.lived)} s in the machine, ${seconds} s here`);
    return true;
  } catch (error) {
    if (interrupted.signal.aborted) return false;
    const tail = machine.console().trimEnd().split('\n').slice(-TAIL);
    say(`     FAILED, ${watcher.at} s after the machine's start: ${(error as Error).message}`);
    say(`\n     The end of its console:\n${tail.map((line) => `     | ${line}`).join('\n')}`);
    return false;
  }
}
