// Our bytes beside those of the real libsystemd, called through ffi-rs.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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

function sdNotify(text: string): number {
  return load({
    library: 'systemd',
    funcName: 'sd_notify',
    retType: DataType.I32,
    paramsType: [DataType.I32, DataType.String],
    paramsValue: [0, text],
  }) as number;
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
    ] as const) {
      t.is(ours().outcome, 'sent');
      t.is(sdNotify(theirs), 1);
      // One newline at the end is ours: finit 4.12 wants it, and nobody minds (sd_notify(3): "newline-separated").
      t.is((await receiver.next()).replace(/\n$/, ''), await receiver.next());
    }
  });
}
