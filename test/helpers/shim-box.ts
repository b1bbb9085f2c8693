// finit-shim in sandboxes: the scripts and stanzas of services behind it, and boxes that the tests of a file share.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';
import type { Sandbox, SandboxFile, SandboxOptions } from '#src/sandbox/index.js';
import { get, type Service } from '#src/services/index.js';
import { eventually, PROJECT, startFinit, suites } from './real-finit.js';

/** Where the shim is in {@link startFinit}'s boxes. */
export const SHIM = `${PROJECT}/build/Release/finit-shim`;

/**
 * /srv/NAME.sh, which becomes a shim of that identity: in a stanza finit would take the quotes of its options apart. What the shim and
 * its command print is in /run/NAME.log.
 */
export function behindShim(name: string, options: string, command: string): Record<string, SandboxFile> {
  const script = `#!/bin/sh\nexec >>/run/${name}.log 2>&1\nexec ${SHIM} --identity ${name} ${options} -- ${command}\n`;
  return { [`/srv/${name}.sh`]: { content: script, mode: 0o755 } };
}

/** The same with a service in Node, /srv/NAME.mjs, as command: `notify`, `watchdog`, `sleep`, `existsSync`, `writeFileSync` are there. */
export function nodeBehindShim(name: string, options: string, body: string): Record<string, SandboxFile> {
  return {
    ...behindShim(name, options, `/usr/bin/node /srv/${name}.mjs`),
    [`/srv/${name}.mjs`]: `
      import * as notify from '${PROJECT}/dist/notify/index.js';
      import * as watchdog from '${PROJECT}/dist/watchdog/index.js';
      import { existsSync, writeFileSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      setInterval(() => {}, 1e6);
      ${body}`,
  };
}

/** The stanza of /srv/NAME.sh. */
export const stanza = (name: string, notify = 'systemd', argument = ''): string =>
  `service name:${name} notify:${notify} /srv/${name}.sh ${argument} -- ${name}\n`;

/** The stanza of `needs-NAME`, which starts when NAME is ready. */
export const dependant = (name: string): string =>
  `service name:needs-${name} notify:none <service/${name}/ready> /bin/sleep 1000 -- Waits for ${name}\n`;

/** Waits until finit's service is as wanted. */
export async function serviceIn(
  { runDir }: Sandbox,
  name: string,
  wanted: (service: Service) => unknown,
): Promise<Service> {
  let seen: Service | undefined;
  return await eventually(async () => {
    seen = await get(name, { runDir });
    return wanted(seen) ? seen : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${name} never was as wanted, last ${JSON.stringify(seen)}`, { cause: error });
  });
}

/**
 * finit's reload with .conf files touched: then finit sends their services SIGHUP, and their conditions are in flux until they have
 * said READY=1 anew. Resolves when they have to.
 */
export async function touchAndReload(box: Sandbox, ...names: string[]): Promise<void> {
  const generation = () => readFileSync(join(box.runDir, 'cond/reconf'), 'latin1');
  const before = generation();
  for (const name of names) await box.initctl('touch', `${name}.conf`);
  await box.initctl('reload');
  await eventually(() => generation() !== before);
}

/** The letter of a process's state in a box, e.g. `T` for stopped. */
export function processState(box: Sandbox, pid: number): string | undefined {
  const status = readFileSync(`/proc/${box.pid}/root/proc/${pid}/status`, 'utf8');
  return /^State:\t(.)/m.exec(status)?.[1];
}

/** A box for each of these finits, booted before the tests of a file; for a test that has failed, its console is logged. */
export function sharedBoxes(
  test: TestFn,
  options: SandboxOptions,
  finits: readonly string[] = suites,
): (t: ExecutionContext, finit: string) => Sandbox {
  const boxes = new Map<string, Sandbox>();
  test.before(async (t) => {
    t.timeout(120_000);
    for (const finit of finits) boxes.set(finit, await startFinit(finit, options));
  });
  test.after.always(async () => {
    for (const box of boxes.values()) await box.kill();
  });
  return (t, finit) => {
    const box = boxes.get(finit);
    if (box === undefined) throw new Error(`no box with ${finit}`);
    t.timeout(120_000);
    t.teardown(async () => {
      if (t.passed) return;
      const logs = await box.exec(['/bin/sh', '-c', 'tail -n 20 /run/*.log']);
      t.log(`${logs.stdout}\nconsole of finit ${box.version}:\n${box.console().slice(-2000)}`);
    });
    return box;
  };
}
