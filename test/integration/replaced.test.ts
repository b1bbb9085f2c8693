// finit that goes away while it is being used, and what comes after it: typed errors, then recovery.
import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FinitError, type FinitErrorCode, isFinitError } from '#src/errors.js';
import type { Sandbox } from '#src/sandbox/index.js';
import { get, list, restart, type Service } from '#src/services/index.js';
import { info, poweroff, runlevel } from '#src/system/index.js';
import { eventually, startFinit } from '../helpers/real-finit.js';

const config = { 'test.conf': 'service name:web notify:none /bin/sleep 1000 -- Web\n' };

/** What a call to a finit that goes away may fail with. */
const GONE: readonly FinitErrorCode[] = ['FINIT_NOT_RUNNING', 'FINIT_CONNECTION_LOST'];

/** A run directory whose finit can be exchanged. */
class Place implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'finit-place-'));
  readonly runDir = join(this.#directory, 'finit');

  put(box: Sandbox): void {
    const link = join(this.#directory, 'new');
    symlinkSync(box.runDir, link);
    renameSync(link, this.runDir);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Uses finit all the time, in several ways at once, until it is told to stop; counts what came of it. */
function use(runDir: string, orders: readonly (() => Promise<unknown>)[] = []) {
  const options = { runDir, timeout: 20_000 };
  const seen = { answers: 0, errors: new Map<string, number>(), odd: [] as unknown[], last: [] as Service[] };
  let going = true;
  const loop = async (call: () => Promise<unknown>) => {
    while (going) {
      try {
        await call();
        seen.answers++;
      } catch (error) {
        const code = isFinitError(error) ? error.code : 'none';
        seen.errors.set(code, (seen.errors.get(code) ?? 0) + 1);
        if (!(error instanceof FinitError) || !GONE.includes(error.code)) seen.odd.push(error);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const loops = Promise.all([
    loop(async () => {
      seen.last = await list(options);
    }),
    loop(() => get('web', options)),
    loop(() => runlevel(options)),
    ...orders.map(loop),
  ]);
  return {
    seen,
    async stop() {
      going = false;
      await loops;
    },
  };
}

test('finit that is killed and replaced by another version in mid-use: typed errors, then the other one', async (t) => {
  using place = new Place();
  const old = await startFinit('forky', { config });
  place.put(old);
  const user = use(place.runDir, [() => restart('web', { runDir: place.runDir, timeout: 20_000 })]);
  try {
    await eventually(() => user.seen.answers > 50);
    t.deepEqual((await info({ runDir: place.runDir })).candidates, ['4.13', '4.14']);
    await old.kill();
    await eventually(() => user.seen.errors.size > 0);

    await using other = await startFinit('trixie', { config });
    place.put(other);
    const before = user.seen.answers;
    user.seen.last = [];
    await eventually(() => user.seen.answers > before + 50);
    t.deepEqual((await info({ runDir: place.runDir })).candidates, ['4.10', '4.11', '4.12']);
    await eventually(() => user.seen.last.some(({ identity }) => identity === 'web'));
    await user.stop();
  } finally {
    await user.stop();
  }
  t.deepEqual(user.seen.odd, []);
});

for (const suite of ['forky', 'trixie']) {
  test(`finit of ${suite} that is shut down in mid-use, and started again`, async (t) => {
    using place = new Place();
    const first = await startFinit(suite, { config });
    place.put(first);
    // No orders: 4.14 never ends when it is told to go down while it waits for a process that it restarts.
    const user = use(place.runDir);
    try {
      await eventually(() => user.seen.answers > 50);
      await poweroff({ runDir: place.runDir, timeout: 20_000 });
      await first.exited;
      await eventually(() => user.seen.errors.size > 0);
      await using second = await startFinit(suite, { config });
      place.put(second);
      const before = user.seen.answers;
      user.seen.last = [];
      await eventually(() => user.seen.answers > before + 50);
      await eventually(() => user.seen.last.some(({ identity }) => identity === 'web'));
      await user.stop();
    } finally {
      await user.stop();
    }
    // On its way down it takes no orders (FINIT_CONNECTION_LOST), then it is gone.
    t.deepEqual(user.seen.odd, []);
  });
}

for (const suite of ['forky', 'trixie']) {
  test(`finit of ${suite} that makes its socket anew at SIGHUP, in mid-use, is no error to those who only ask`, async (t) => {
    await using box = await startFinit(suite, { config });
    const user = use(box.runDir);
    for (let i = 0; i < 20; i++) {
      await box.writeConfig('more.conf', `service name:more${i} notify:none /bin/sleep 1001 -- More\n`);
      box.reload();
      const before = user.seen.answers;
      await eventually(() => user.seen.answers > before + 20);
    }
    await user.stop();
    t.deepEqual([...user.seen.errors], []);
  });
}
