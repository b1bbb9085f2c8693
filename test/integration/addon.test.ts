// The addon where it hurts: several copies, worker threads, processes that end in the middle of an exchange, a finit that is stuck.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { set, wait } from '#src/conditions/index.js';
import { isFinitError } from '#src/errors.js';
import type { NativeAddon } from '#src/native.js';
import { Command, encodeRequest } from '#src/protocol/control.js';
import { get, list } from '#src/services/index.js';
import { runlevel } from '#src/system/index.js';
import { boot } from '../helpers/box.js';
import { projectRoot } from '../helpers/project.js';

const run = promisify(execFile);
const module = (name: string): string => JSON.stringify(pathToFileURL(join(projectRoot, 'dist', name)).href);

/** Freezes finit; thawed with the test at the latest. */
function freeze(t: ExecutionContext, pid: number): () => void {
  process.kill(pid, 'SIGSTOP');
  const thaw = (): void => {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // finit has been killed with its box.
    }
  };
  t.teardown(thaw);
  return thaw;
}

test('the addon works in several worker threads at once, and in the main thread beside them', async (t) => {
  const { runDir } = await boot(t, { suite: 'forky' });
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { conditions, services } = await import(${module('index.js')});
    const runDir = workerData;
    const waited = conditions.wait('go', { runDir, timeout: 60000 });
    const names = new Set();
    for (let i = 0; i < 50; i++) names.add((await services.get('keventd', { runDir })).identity);
    parentPort.postMessage('asked');
    await waited;
    parentPort.postMessage([...names].join());
  `;
  const workers = Array.from(
    { length: 4 },
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: runDir }),
  );
  const said = (worker: Worker): Promise<string> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  await Promise.all([...workers.map(said), wait('service/keventd/running', { runDir, timeout: 10_000 })]);
  const heard = Promise.all(workers.map(said));
  await set('go', { runDir });
  t.deepEqual(await heard, ['keventd', 'keventd', 'keventd', 'keventd']);
  await Promise.all(workers.map((worker) => worker.terminate()));
  t.is((await get('keventd', { runDir })).state, 'running');
});

test('two copies of the addon in one process both work', async (t) => {
  const { runDir } = await boot(t, { suite: 'forky' });
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-copy-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const require = createRequire(import.meta.url);
  const original = join(projectRoot, 'build/Release/node_finit.node');
  copyFileSync(original, join(dir, 'copy.node'));
  const first: NativeAddon = require(original);
  const second: NativeAddon = require(join(dir, 'copy.node'));
  t.not(first.burst, second.burst);
  const packet = encodeRequest(Command.getRunlevel);
  const results = await Promise.all(
    [first, second, first, second].map(async (addon, i) => {
      const outcome = new Uint32Array(8);
      const patience = i < 2 ? 1000 : 0;
      await addon.burst(join(runDir, 'socket'), [packet], Buffer.alloc(65536), outcome, 1, 30_000, patience)
        ?.result;
      return [...outcome.subarray(0, 4)];
    }),
  );
  t.deepEqual(
    results,
    Array.from({ length: 4 }, () => [0, 0, 1, 384]),
  );
});

test('a finit that is stuck costs its callers their timeout and nothing else', async (t) => {
  const box = await boot(t, { suite: 'forky' });
  const { runDir } = box;
  const thaw = freeze(t, box.pid);
  // More callers than finit's backlog of 10 holds: the others cannot even connect.
  const stuck = Array.from({ length: 30 }, () => t.throwsAsync(runlevel({ runDir, timeout: 300 })));
  // Node's own thread pool goes on meanwhile.
  t.true((await import('node:fs/promises').then((fs) => fs.readdir('/proc/self'))).length > 0);
  for (const error of await Promise.all(stuck)) t.true(isFinitError(error, 'FINIT_TIMEOUT'), String(error));
  const controller = new AbortController();
  const aborted = t.throwsAsync(list({ runDir, signal: controller.signal }));
  controller.abort();
  t.true(isFinitError(await aborted, 'FINIT_ABORTED'));
  thaw();
  t.is((await runlevel({ runDir })).current, 2);
  t.is((await box.initctl('runlevel')).stdout.trim(), 'N 2');
});

for (const [how, end] of [
  ['exits', 'process.exit(7)'],
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
  ['throws', "throw new Error('enough')"],
] as const) {
  test(`a process that ${how} in the middle of exchanges leaves finit free`, async (t) => {
    const box = await boot(t, { suite: 'forky' });
    const { runDir } = box;
    const thaw = freeze(t, box.pid);
    const source = `
      const { services, system } = await import(${module('index.js')});
      for (let i = 0; i < 20; i++) {
        services.list({ runDir: ${JSON.stringify(runDir)} }).catch(() => {});
        system.runlevel({ runDir: ${JSON.stringify(runDir)} }).catch(() => {});
      }
      setTimeout(() => { ${end} }, 50);
    `;
    const ended = await t.throwsAsync(run(process.execPath, ['--input-type=module', '-e', source]));
    t.falsy(/addon/.test(String(ended)), String(ended));
    thaw();
    t.is((await runlevel({ runDir, timeout: 30_000 })).current, 2);
    t.true((await list({ runDir })).length > 0);
  });
}

test('a worker that is terminated in the middle of exchanges leaves finit free', async (t) => {
  const box = await boot(t, { suite: 'forky' });
  const { runDir } = box;
  const thaw = freeze(t, box.pid);
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { conditions, services, system } = await import(${module('index.js')});
    const runDir = workerData;
    for (let i = 0; i < 20; i++) system.runlevel({ runDir }).catch(() => {});
    conditions.wait('never', { runDir }).catch(() => {});
    parentPort.postMessage('under way');
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: runDir,
  });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  thaw();
  t.is((await runlevel({ runDir })).current, 2);
});
