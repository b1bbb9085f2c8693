// The finits that those tests run on which look at how its versions differ.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareVersions } from '#src/protocol/version.js';
import type { SandboxOptions } from '#src/sandbox/index.js';

/** Trees with other finits than Debian's, by the name of the folder they are in: NODE_FINIT_TEST_ROOTS, see CONTRIBUTING.md. */
const trees = new Map(
  (process.env.NODE_FINIT_TEST_ROOTS ?? '')
    .split(':')
    .filter(Boolean)
    .map((root) => [basename(dirname(root)), root]),
);

/** Their names, for {@link whereIs}: Debian's suites, or, where other trees are named, those instead. */
export const finits: readonly string[] = trees.size > 0 ? [...trees.keys()] : ['forky', 'trixie', 'bookworm'];

/** Those that know `notify:`, which is 4.4 and later. */
export const withNotify = finits.filter(knowsNotify);
export const withoutNotify = finits.filter((name) => !knowsNotify(name));

/** Where the sandbox finds it. */
export function whereIs(name: string): SandboxOptions {
  const root = trees.get(name);
  return root === undefined ? { suite: name } : { root };
}

function knowsNotify(name: string): boolean {
  const version = versionOf(name);
  return version === undefined ? name !== 'bookworm' : compareVersions(version, '4.4') >= 0;
}

/** Whether `log:` in a stanza works: with options, 4.5 and 4.6 log an empty line of all that a service says. */
export function logsOutput(name: string): boolean {
  return !/^4\.[56](\D|$)/.test(versionOf(name) ?? '');
}

/**
 * Of a tree's finit, undefined for Debian's. Titles are made before anything runs, so that it cannot be asked yet: what it calls itself
 * is found in its binary.
 */
function versionOf(name: string): string | undefined {
  const root = trees.get(name);
  if (root === undefined) return undefined;
  const file = ['finit', 'init']
    .map((program) => join(root, 'sbin', program))
    .find((path) => existsSync(path));
  const version = file && /Finit v(\d+\.\d+[\w.~-]*)/.exec(readFileSync(file, 'latin1'))?.[1];
  if (version === undefined) throw new Error(`${root} has no finit that says which it is`);
  return version;
}
