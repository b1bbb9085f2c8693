// The lock under which processes of ours list: a courtesy, which nothing depends on.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { native } from '#src/native.js';
import { connect } from '#src/transport/index.js';
import { captures } from '../helpers/captures.js';
import { startFakeFinit } from '../helpers/fake-finit.js';

const { errno } = constants;
const capture = captures[1];
if (capture === undefined) throw new Error('No capture');
const { records, end } = capture;

const start = () => startFakeFinit([{ iterate: true }], [...records, end]);

/** Has the lock until it is killed, whatever happens: as a process of ours that has been stopped in the middle of a list. */
async function holder(runDir: string): Promise<ChildProcess> {
  const child = spawn('flock', ['--no-fork', runDir, 'sh', '-c', 'echo locked; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

test('who has the lock and stands still keeps nobody from listing', async (t) => {
  await using finit = await start();
  const child = await holder(finit.runDir);
  child.kill('SIGSTOP');
  t.is(native().lock(finit.runDir), -errno.EWOULDBLOCK);
  const lists = await Promise.all([1, 2, 3].map(() => connect({ runDir: finit.runDir }).listServices()));
  t.deepEqual(
    lists.map(({ length }) => length),
    [records.length, records.length, records.length],
  );
  t.is(native().lock(finit.runDir), -errno.EWOULDBLOCK);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('who is killed no longer has the lock', async (t) => {
  await using finit = await start();
  const child = await holder(finit.runDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = native().lock(finit.runDir);
  t.true(lock >= 0);
  t.is(native().lock(finit.runDir), -errno.EWOULDBLOCK);
  native().unlock(lock);
  t.is((await connect({ runDir: finit.runDir }).listServices()).length, records.length);
});

test('a list gives the lock back, also one that fails', async (t) => {
  await using whole = await start();
  await connect({ runDir: whole.runDir }).listServices();
  await using broken = await startFakeFinit([{ close: true }]);
  await t.throwsAsync(connect({ runDir: broken.runDir }).listServices(), { code: 'FINIT_CONNECTION_LOST' });
  for (const { runDir } of [whole, broken]) {
    const lock = native().lock(runDir);
    t.true(lock >= 0);
    native().unlock(lock);
  }
});

// Serial: all of the process is another user meanwhile.
test.serial('a run directory that may not be read has no lock, and lists all the same', async (t) => {
  await using finit = await start();
  chmodSync(join(finit.runDir, 'socket'), 0o777);
  chmodSync(finit.runDir, 0o311);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    t.is(native().lock(finit.runDir), -errno.EACCES);
    t.is((await connect({ runDir: finit.runDir }).listServices()).length, records.length);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(finit.runDir, 0o700);
  }
});
