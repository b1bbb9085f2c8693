// Not a test by itself: sanitizers.test.ts runs it on an addon built with ASan and UBSan. Uses every export, from the main thread
// and from workers that are terminated with watches and bursts under way.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type NativeAddon, native, WatchdogValue } from '#src/native.js';
import { IN } from '#src/protocol/inotify.js';

const { EAGAIN, ENAMETOOLONG } = constants.errno;
const used = new Set<string | symbol>();
const addon = new Proxy(native(), {
  get(target, name) {
    used.add(name);
    return target[name as keyof NativeAddon];
  },
});
const collect = (globalThis as { gc?: () => void }).gc;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

/** A supervisor that takes all that comes, and closes the descriptors. */
async function supervisor(): Promise<{ address: Buffer; end(): void }> {
  const name = `node-finit-exercise-${process.pid}`;
  // It ends with us.
  const body = `import ctypes, os, signal, socket
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0${name}')
print('up', flush=True)
while True:
  for fd in socket.recv_fds(s, 8192, 253)[1]: os.close(fd)`;
  const { LD_PRELOAD: _, ...env } = process.env;
  const child = spawn('/usr/bin/python3', ['-c', body], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { address: Buffer.from(`\0${name}`), end: () => child.kill('SIGKILL') };
}

async function exerciseNotify(address: Uint8Array): Promise<void> {
  check(addon.notifySocket(Buffer.alloc(200)) === -ENAMETOOLONG, 'an address that is too long');
  const nobody = addon.notifySocket(Buffer.from('\0node-finit-nobody'));
  const send = addon.notifySocket(address);
  if (typeof send === 'number' || typeof nobody === 'number') throw new Error('no socket');
  check(nobody('READY=1') < 0, 'nobody is there');
  check(send('READY=1') === 0, 'somebody is there');
  check(send('x'.repeat(5000)) < 0 && send('€'.repeat(1366)) < 0, 'a text that is too long');
  check(send('x', Array(254).fill(0)) < 0 && send('x', [-1]) < 0, 'descriptors that cannot be sent');
  check((send as (text: unknown) => number)(1) < 0, 'no text');
  for (let i = 0; i < 3; i++) {
    // Closes, twice also, and the next message makes another connection.
    (send as () => void)();
    (send as () => void)();
    check(send('READY=1') === 0, 'after it was closed');
  }
  check(send('FDSTORE=1', [0, 1, 2]) === 0, 'descriptors');
  check(send('x€', true) === 0 && send('', true) === 0, 'a status');
  check(send('x'.repeat(4089), true) < 0 && send('€'.repeat(2000), true) < 0, 'a status that is too long');
  check(send('a\nb', true) < 0 && send('a\r', true) < 0 && send('\0a', true) < 0, 'a status that is no line');
  check((send as (text: unknown, status: boolean) => number)({}, true) < 0, 'a status that is no text');
  addon.notifySocket(2 ** 32 - 1, 9999, 0)('READY=1');
  let over = 0;
  const hangup = addon.hangup(() => over++);
  if (typeof hangup === 'number') throw new Error(`no hangup: ${hangup}`);
  while (send('BARRIER=1', [hangup.fd]) !== 0) await delay(1);
  addon.hangupSent(hangup.id);
  addon.hangupSent(hangup.id);
  await until(() => over > 0);
  addon.hangupEnd(hangup.id);
  addon.hangupEnd(hangup.id);
  // Ended with its other end closed, and the loop's thread about to say so.
  const other = addon.hangup(() => {});
  if (typeof other === 'number') throw new Error(`no hangup: ${other}`);
  addon.hangupSent(other.id);
  addon.hangupEnd(other.id);
  check(over === 1, 'told once');
}

async function exerciseStream(path: string): Promise<void> {
  const server = createServer((socket) => socket.on('data', (text) => socket.end(text)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const buffer = Buffer.alloc(16);
  const fd = addon.openStream(path, Buffer.from('hello'));
  check(fd >= 0, 'a stream');
  check(addon.readStream(fd, buffer, 0) === -EAGAIN, 'no answer yet');
  let got = 0;
  await until(() => {
    got = addon.readStream(fd, buffer, 1);
    return got !== -EAGAIN;
  });
  check(got === 5 && buffer.toString('latin1', 0, 5) === 'hello', 'the answer');
  await until(() => addon.readStream(fd, buffer, 1) === 0);
  addon.closeStream(fd);
  addon.closeStream(-1);
  check(
    addon.openStream('x'.repeat(200), buffer) < 0 && addon.openStream('/proc/none', buffer) < 0,
    'no server',
  );
  check(addon.readStream(fd, Buffer.alloc(0), 0) <= 0, 'a stream that is closed');
  await new Promise((resolve) => server.close(resolve));
}

function exerciseDescriptors(): void {
  const fd = openSync('/dev/null', 'r+');
  check(addon.descriptorKind(fd) > 0 && addon.descriptorKind(-1) < 0, 'a kind');
  check(addon.closeOnExec(fd) === 0 && addon.closeOnExec(-1) < 0, 'close-on-exec');
  check(addon.retireDescriptor(fd) === 0 && addon.retireDescriptor(-1) < 0, 'retired');
  check((addon.watchdogSupport(fd) as number) < 0, 'no watchdog');
  for (const what of [...Object.values(WatchdogValue), -1, 99]) {
    check(addon.watchdogGet(fd, what) < 0, 'nothing to get');
    check(addon.watchdogSet(fd, what, 1) < 0, 'nothing to set');
  }
  closeSync(fd);
}

async function exercise(dir: string, address: Uint8Array): Promise<void> {
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
    await exerciseNotify(address);
    await exerciseStream(join(dir, 'stream'));
    exerciseDescriptors();
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
      () => addon.notifySocket('x' as never),
      () => addon.hangup(undefined as never),
      () => addon.openStream('x', 'y' as never),
      () => addon.readStream(0, undefined as never, 0),
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
  const { address, end } = await supervisor();
  await exercise(dir, address);
  for (let i = 0; i < 8; i++) {
    const sub = join(dir, `w${i}`);
    mkdirSync(sub);
    const worker = new Worker(file, { workerData: { sub, address }, trackUnmanagedFds: false });
    await new Promise((resolve) => worker.once('message', resolve));
    if (i % 2 === 0) await worker.terminate();
    else await new Promise((resolve) => worker.once('exit', resolve));
  }
  end();
  // Last, as it takes things back that are for the next program.
  check(addon.exec('/proc/none', ['none'], [0, 999]) < 0, 'nothing to become');
  rmSync(dir, { recursive: true });
  const unused = Object.keys(native()).filter((name) => !used.has(name));
  console.log(unused.length === 0 ? 'done' : `not exercised: ${unused.join(', ')}`);
} else {
  // Left open on purpose: the environment ends with it.
  const inotify = new addon.Inotify(() => inotify.read());
  inotify.add(workerData.sub, IN.CREATE);
  inotify.unref();
  const hangup = addon.hangup(() => {});
  const closing = addon.hangup(() => {});
  if (typeof hangup === 'number' || typeof closing === 'number') throw new Error('no hangup');
  addon.hangupSent(closing.id);
  addon.notifySocket(workerData.address);
  parentPort?.postMessage('started');
  await exercise(workerData.sub, workerData.address);
}
