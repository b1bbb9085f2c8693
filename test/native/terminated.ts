// Not a test by itself: terminated.test.ts runs it. Workers that do nothing but call the addon, each another function of it, are
// terminated again and again: the call that one is in then goes on where no JavaScript can run any more.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { native } from '#src/native.js';

const addon = native();
const byte = Buffer.alloc(1);
const calls: Record<string, () => unknown> = {
  burst: () => addon.burst('/proc/none', [byte], Buffer.alloc(64), new Uint32Array(8), 1, 5, 0),
  cancel: () => addon.cancel(1),
  lock: () => addon.unlock(addon.lock('/proc')),
  sendDatagram: () => addon.sendDatagram(byte, byte),
  sendDescriptor: () => addon.sendDescriptor(-1, byte),
  socketType: () => addon.socketType(0),
  openStream: () => addon.openStream('/proc/none', byte),
  readStream: () => addon.readStream(-1, byte, 0),
  watchdogSupport: () => addon.watchdogSupport(0),
  watchdogGet: () => addon.watchdogGet(0, 1),
  watchdogSet: () => addon.watchdogSet(0, 3, 1),
  descriptorKind: () => addon.descriptorKind(0),
  notifySocket: () => {
    const send = addon.notifySocket(Buffer.from('\0node-finit-nobody'));
    if (typeof send !== 'number') send('x', [0]);
  },
  hangup: () => {
    const under = addon.hangup(() => {});
    if (typeof under === 'number') return;
    addon.hangupSent(under.id);
    addon.hangupEnd(under.id);
  },
  Inotify: () => {
    const inotify = new addon.Inotify(() => {});
    inotify.remove(inotify.add('/proc', 1));
    inotify.read();
    inotify.close();
  },
};

if (isMainThread) {
  const rounds = Number(process.argv[2]);
  for (let round = 0; round < rounds; round++)
    for (const name of Object.keys(calls)) {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: name });
      // The user may have no inotify instance left, which is an error there and none of this.
      worker.on('error', () => {});
      await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
      await worker.terminate();
    }
  console.log('done');
} else {
  const call = calls[workerData] as () => unknown;
  parentPort?.postMessage('started');
  for (;;) call();
}
