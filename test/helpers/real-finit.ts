/**
 * Real finits for integration tests: one sandbox for each suite.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox, SandboxOptions } from '#src/sandbox/index.js';
import { whereIs } from './finits.js';
import { projectRoot } from './project.js';
import { startSandbox } from './slots.js';

/** Debian's suites, with the finit that they had when this was written. */
export const suites = ['forky', 'trixie'] as const;

/** Where the project is in {@link startFinit}'s sandboxes. */
export const PROJECT = '/srv/node-finit';

/** A sandbox with the project in it, of one of Debian's suites or any other of the finits (finits.ts). */
export async function startFinit(name: string, options: SandboxOptions = {}): Promise<Sandbox> {
  return await startSandbox({
    ...whereIs(name),
    ...options,
    mounts: { [PROJECT]: projectRoot, ...options.mounts },
  });
}

/** Waits until what is asked for is there: tests say what has to happen, not how long it takes. Given up after 20 s. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Never came: ${ask}`);
    await sleep(20);
  }
}
