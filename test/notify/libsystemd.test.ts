// Our bytes and descriptors beside those of the real libsystemd, called through ffi-rs.
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DataType, load, open } from 'ffi-rs';
import { notify } from '#src/index.js';
import { receiveDatagrams } from '../helpers/datagrams.js';

const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as 'x64' | 'arm64'];
const file = ['/lib', '/usr/lib', '/usr/lib64']
  .flatMap((dir) => [join(dir, multiarch, 'libsystemd.so.0'), join(dir, 'libsystemd.so.0')])
  .find(existsSync);

function call(funcName: string, paramsType: DataType[], paramsValue: unknown[]): number {
  return load({
    library: 'systemd',
    funcName,
    retType: DataType.I32,
    paramsType,
    paramsValue,
  } as never) as never;
}

function sdNotify(text: string): number {
  return call('sd_notify', [DataType.I32, DataType.String], [0, text]);
}

function sdNotifyWithFds(text: string, fds: number[]): number {
  const types = [DataType.I32, DataType.I32, DataType.String, DataType.I32Array, DataType.I32];
  return call('sd_pid_notify_with_fds', types, [0, 0, text, fds, fds.length]);
}

// Debian's apt needs libsystemd0, so this is there wherever the sandbox is.
test.before((t) => {
  t.truthy(file, 'libsystemd.so.0 was not found: apt-get install libsystemd0');
  open({ library: 'systemd', path: file ?? '' });
});

for (const [kind, address] of [
  ['a path', (dir: string) => join(dir, 'notify')],
  ['an abstract name', (dir: string) => `@${dir}`],
] as const) {
  test.serial(`what we send to ${kind} is what libsystemd sends`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'node-finit-sd-'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const socket = address(dir);
    const receiver = await receiveDatagrams(t, socket);
    // A real setenv(): libsystemd reads the C environment.
    process.env.NOTIFY_SOCKET = socket;
    t.teardown(() => delete process.env.NOTIFY_SOCKET);
    for (const [ours, theirs] of [
      [() => notify.ready(), 'READY=1'],
      [() => notify.stopping(), 'STOPPING=1'],
      [() => notify.status('Listening on port 3000, änderbar'), 'STATUS=Listening on port 3000, änderbar'],
      [() => notify.errno(111), 'ERRNO=111'],
      [() => notify.busError('org.example.Bad'), 'BUSERROR=org.example.Bad'],
      [() => notify.exitStatus(3), 'EXIT_STATUS=3'],
      [() => notify.mainPid(4711), 'MAINPID=4711'],
      [() => notify.watchdog(), 'WATCHDOG=1'],
      [() => notify.watchdogTrigger(), 'WATCHDOG=trigger'],
      [() => notify.watchdogTimeout(20_000), 'WATCHDOG_USEC=20000000'],
      [() => notify.extendTimeout(1500), 'EXTEND_TIMEOUT_USEC=1500000'],
      [() => notify.removeFds('web'), 'FDSTOREREMOVE=1\nFDNAME=web'],
      [() => notify.access('all'), 'NOTIFYACCESS=all'],
      [() => notify.send({ fields: { X_MOOD: 'good' } }), 'X_MOOD=good'],
      [() => notify.send({ ready: true, status: 'up', mainPid: 4711 }), 'READY=1\nSTATUS=up\nMAINPID=4711'],
    ] as const) {
      t.is(ours().outcome, 'sent');
      t.is(sdNotify(theirs), 1);
      // One newline at the end is ours: finit 4.12 wants it, and nobody minds (sd_notify(3): "newline-separated").
      t.is((await receiver.next()).replace(/\n$/, ''), await receiver.next());
    }
  });
}

test.serial('the same descriptors go with it', async (t) => {
  const socket = `@node-finit-sd-fds-${process.pid}`;
  const receiver = await receiveDatagrams(t, socket);
  process.env.NOTIFY_SOCKET = socket;
  t.teardown(() => delete process.env.NOTIFY_SOCKET);
  const fds = ['/dev/null', '/dev/zero', '/etc/passwd'].map((path) => openSync(path, 'r'));
  t.teardown(() => fds.forEach(closeSync));
  for (const [ours, theirs] of [
    [() => notify.storeFds(fds), 'FDSTORE=1'],
    [
      () => notify.storeFds(fds, { name: 'three files', poll: false }),
      'FDSTORE=1\nFDNAME=three files\nFDPOLL=0',
    ],
    [() => notify.send({ status: 'kept', fds }), 'STATUS=kept\nFDSTORE=1'],
  ] as const) {
    t.is(ours().outcome, 'sent');
    t.is(sdNotifyWithFds(theirs, fds), 1);
    const [mine, its] = [await receiver.nextWithFiles(), await receiver.nextWithFiles()];
    t.deepEqual({ ...mine, text: mine.text.replace(/\n$/, '') }, its);
    t.is(mine.files.length, 3);
  }
  t.is(notify.storeFds(Array(253).fill(fds[0])).outcome, 'sent');
  t.is((await receiver.nextWithFiles()).files.length, 253);
});

test.serial('a barrier is what libsystemd makes of it', async (t) => {
  const socket = `@node-finit-sd-barrier-${process.pid}`;
  const receiver = await receiveDatagrams(t, socket);
  process.env.NOTIFY_SOCKET = socket;
  t.teardown(() => delete process.env.NOTIFY_SOCKET);
  t.is((await notify.barrier()).outcome, 'sent');
  t.is(call('sd_notify_barrier', [DataType.I32, DataType.U64], [0, 5_000_000]), 1);
  const [mine, its] = [await receiver.nextWithFiles(), await receiver.nextWithFiles()];
  t.is(mine.text.replace(/\n$/, ''), its.text);
  t.is(mine.text, 'BARRIER=1\n');
  t.deepEqual([mine.files.length, its.files.length], [1, 1]);
});

test.serial('a reload is told with the time of the monotonic clock', async (t) => {
  const socket = `@node-finit-sd-reload-${process.pid}`;
  const receiver = await receiveDatagrams(t, socket);
  const before = process.hrtime.bigint() / 1000n;
  t.is(notify.reloading({ socket }).outcome, 'sent');
  const after = process.hrtime.bigint() / 1000n;
  const [, time = '0'] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)\n$/.exec(await receiver.next()) ?? [];
  t.true(before <= BigInt(time) && BigInt(time) <= after);
});
