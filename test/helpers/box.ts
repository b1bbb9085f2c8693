// A real finit for a test: each test has its own.

import type { ExecutionContext } from 'ava';
import type { Sandbox, SandboxOptions } from '#src/sandbox/index.js';
import { projectRoot } from './project.js';
import { startSandbox } from './slots.js';

/** The suites whose finit the tests run on, and the version that the titles say. The box is asked what it really is. */
export const suites = [
  { suite: 'forky', finit: '4.14' },
  { suite: 'trixie', finit: '4.12' },
] as const;

/** Where the package lies in the box, so that what is below /srv can import it. */
export const PACKAGE_IN_BOX = '/srv/node_modules/node-finit';

// ava starts all tests of a file at once; two cores want fewer boots at a time.
const AT_ONCE = 3;
let running = 0;
const waiting: (() => void)[] = [];

async function enter(): Promise<void> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
}

function leave(): void {
  running--;
  waiting.shift()?.();
}

/** Boots a finit that lives as long as the test, with the package and node in it. */
export async function boot(t: ExecutionContext, options: SandboxOptions): Promise<Sandbox> {
  // Boots wait for each other; that is not what the test is about.
  t.timeout(120_000);
  await enter();
  t.teardown(leave);
  const box = await startSandbox({
    ...options,
    mounts: { [PACKAGE_IN_BOX]: projectRoot, ...options.mounts },
  });
  t.teardown(async () => {
    if (!t.passed) t.log(`console of finit ${box.version}:\n${box.console().slice(-3000)}`);
    await box.kill();
  });
  return box;
}

/** A service in Node that listens to nothing, is ready at once, and says so again at SIGHUP. */
export const READY_SERVICE = `
import * as notify from 'node-finit/notify';
process.on('SIGHUP', () => notify.ready());
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1e6);
notify.ready();
`;

/**
 * The root of a tree with finit 5 in it (see CONTRIBUTING.md), for tests of what Debian's suites do not have. Without it they are
 * skipped.
 */
export const finit5Root = process.env.NODE_FINIT_TEST_FINIT5 || undefined;
