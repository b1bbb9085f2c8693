// Room for sandboxes: a finit wants 6 inotify instances, and a user has 128 for all that runs.
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinitError } from '#src/errors.js';
import { native } from '#src/native.js';
import * as sandbox from '#src/sandbox/index.js';

/** Of a finit, and of what watches its conditions. */
const EACH = 8;
/** Left for everything else on the machine. */
const OTHERS = 40;
const limit = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'latin1'));
const SLOTS = Math.max(1, Math.min(10, Math.floor((limit - OTHERS) / EACH)));
/** Who has some boxes and wants another must not wait for ever for others like it. In milliseconds. */
const PATIENCE = 30_000;

/**
 * Waits for room for another sandbox, among all processes that test. The slots are directories that are locked, so that who dies gives
 * its own back.
 * @returns gives it back
 */
async function takeSlot(): Promise<() => void> {
  const directory = join(tmpdir(), `node-finit-test-slots-${process.getuid?.()}`);
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50))
    for (let slot = 0; slot < SLOTS; slot++) {
      const path = join(directory, String(slot));
      mkdirSync(path, { recursive: true });
      const lock = native().lock(path);
      if (lock >= 0) return () => native().unlock(lock);
    }
  return () => {};
}

/** As that of the package, when there is room for it. */
export async function startSandbox(options: sandbox.SandboxOptions = {}): Promise<sandbox.Sandbox> {
  for (let attempt = 0; ; attempt++) {
    const giveBack = await takeSlot();
    try {
      const box = await sandbox.startSandbox(options);
      void box.exited.finally(giveBack);
      return box;
    } catch (error) {
      giveBack();
      if (attempt > 20 || !isFinitError(error, 'FINIT_SANDBOX_UNAVAILABLE') || error.errno !== 'EMFILE')
        throw error;
      await sleep(1000);
    }
  }
}
