// Not a test by itself: sanitizers.test.ts runs it on an addon built with ASan and UBSan. Uses every export, from the main thread
// and from workers that are terminated with watches and bursts under way.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { native } from '#src/native.js';
import { IN } from '#src/protocol/inotify.js';

const addon = native();
const collect = (globalThis as { gc?: () => void }).gc;

async function exercise(dir: string): Promise<void> {
  const burst = (path: string, patience = 0) =>
    addon.burst(path, [Buffer.alloc(384)], Buffer.alloc(65536), new Uint32Array(10), 2, 50, patience);
  for (let round = 0; round < 20; round++) {
    let readable = 0;
    const inotify = new addon.Inotify(() => {
      readable++;
      while ((inotify.read() as Buffer).length > 0);
    });
    const sub = join(dir, `d${round}`);
    mkdirSync(sub);
    const wd = inotify.add(sub, IN.CREATE | IN.DELETE);
    for (let i = 0; i < 50; i++) writeFileSync(join(sub, `f${i}`), '');
    while (readable === 0) await delay(1);
    inotify.remove(wd);
    inotify.unref();
    inotify.ref();
    inotify.close();
    inotify.close();
    inotify.add(sub, IN.CREATE);
    inotify.read();
    if (burst(join(dir, 'none'), 100) !== undefined)
      throw new Error('a socket that is not there was waited for');
    if (burst('x'.repeat(300)) !== undefined) throw new Error('a name that is too long was waited for');
    await burst(join(dir, 'none'))?.result;
    const cancelled = burst(join(dir, 'none'));
    addon.cancel(cancelled?.id ?? 0);
    await cancelled?.result;
    const lock = addon.lock(dir);
    if (lock < 0) throw new Error(`not locked: ${lock}`);
    addon.lock(dir);
    addon.unlock(lock);
    addon.unlock(lock);
    addon.lock(join(dir, 'none'));
    addon.sendDatagram(Buffer.from('\0node-finit-nobody'), Buffer.from('READY=1'));
    addon.sendDatagram(Buffer.alloc(0), Buffer.alloc(0));
    addon.sendDescriptor(-1, Buffer.from('x'));
    addon.socketType(0);
    for (const call of [
      () => (addon.burst as (path?: string) => unknown)(),
      () => addon.burst('x', [1] as never, Buffer.alloc(9), new Uint32Array(9), 1, 1, 1),
      () => addon.burst('x', [], Buffer.alloc(9), new Uint32Array(9), 1, 1, 1),
      () => addon.burst('x', [Buffer.alloc(1)], Buffer.alloc(9), new Uint32Array(3), 1, 1, 1),
      () =>
        addon.burst('x', [Buffer.alloc(1)], Buffer.alloc(9), new Uint32Array(9), 1, undefined as never, 1),
      () => addon.sendDatagram('a' as never, Buffer.alloc(0)),
      () => new addon.Inotify(undefined as never),
      () => addon.sendDescriptor(1, undefined as never),
    ]) {
      try {
        call();
        throw new Error(`nothing was thrown by ${call}`);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
    rmSync(sub, { recursive: true });
    collect?.();
  }
}

if (isMainThread) {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-exercise-'));
  const file = fileURLToPath(import.meta.url);
  await exercise(dir);
  for (let i = 0; i < 8; i++) {
    const sub = join(dir, `w${i}`);
    mkdirSync(sub);
    const worker = new Worker(file, { workerData: sub });
    await new Promise((resolve) => worker.once('message', resolve));
    if (i % 2 === 0) await worker.terminate();
    else await new Promise((resolve) => worker.once('exit', resolve));
  }
  rmSync(dir, { recursive: true });
  console.log('done');
} else {
  // Left open on purpose: the environment ends with it.
  const inotify = new addon.Inotify(() => inotify.read());
  inotify.add(workerData, IN.CREATE);
  inotify.unref();
  parentPort?.postMessage('started');
  await exercise(workerData);
}
