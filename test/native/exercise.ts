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
  const burst = (path: string) =>
    addon.burst({
      path,
      requests: [Buffer.alloc(384)],
      repeat: false,
      endMarkers: new Uint32Array([8, 4]),
      limit: 10,
      window: 2,
      timeout: 50,
    });
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
    await Promise.all([burst(join(dir, 'none')).result, burst('x'.repeat(300)).result]);
    const cancelled = burst(join(dir, 'none'));
    addon.cancel(cancelled.id);
    await cancelled.result;
    addon.sendDatagram(Buffer.from('\0node-finit-nobody'), Buffer.from('READY=1'));
    addon.sendDatagram(Buffer.alloc(0), Buffer.alloc(0));
    addon.sendDescriptor(-1, Buffer.from('x'));
    addon.socketType(0);
    for (const call of [
      () => addon.burst(undefined as never),
      () => addon.burst({ requests: [1] } as never),
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
