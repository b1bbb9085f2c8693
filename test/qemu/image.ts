/** The machine's first root: the sandbox's tree with finit, Node, the project, and what each scenario adds. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../helpers/project.js';
import { type Entry, file, foldersOf, link, tree, writeCpio } from './cpio.js';
import { inLoadingOrder, type Kernel } from './kernel.js';

/** Where the package is, in the machine. */
const PACKAGE = 'srv/node-finit';
export const GUEST = `/${PACKAGE}/dist-test/qemu/guest`;
/** finit-shim, in the machine. */
export const SHIM = `/${PACKAGE}/build/Release/finit-shim`;

/** What finit has for itself comes in place of what Debian has enabled for a machine with a disk. */
const NOT_OURS = /^etc\/(finit\.d\/|fstab$|finit\.conf$)/;

/** By module: what `/init` loads. finit's own watchdogd, and so the first /dev/watchdog, wants i6300esb before the others. */
const DRIVERS = ['pretimeout_noop', 'i6300esb'];
const TCO = ['iTCO_wdt', 'lpc_ich'];

const FINIT_CONF = `# Everything is in finit.d.\n`;
const SYSLOGD = 'service [S123456789] notify:none name:syslogd /sbin/syslogd -n -O /tmp/messages -- Log\n';

/** @param scenarios - by name, files that it has beyond the others: path and content. */
export async function makeImage(
  path: string,
  root: string,
  kernel: Kernel,
  scenarios: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<void> {
  await writeCpio(path, entries(root, kernel, scenarios));
}

function* entries(
  root: string,
  kernel: Kernel,
  scenarios: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Generator<Entry> {
  for (const entry of tree(root, '')) if (entry.name !== '' && !NOT_OURS.test(entry.name)) yield entry;
  yield file('etc/finit.conf', FINIT_CONF);
  yield file('etc/fstab', '');
  yield file('etc/finit.d/syslogd.conf', SYSLOGD);
  yield { name: 'usr/bin/node', from: realpathSync(process.execPath) };

  // As npm would install it.
  for (const part of ['dist', 'dist-test/qemu/guest', 'node_modules/node-gyp-build']) {
    yield* foldersOf(`${PACKAGE}/${part}`);
    yield* tree(join(projectRoot, part), `${PACKAGE}/${part}`);
  }
  yield* foldersOf(SHIM.slice(1));
  for (const part of ['package.json', 'build/Release/node_finit.node', 'build/Release/finit-shim'])
    yield { name: `${PACKAGE}/${part}`, from: join(projectRoot, part) };

  // Where its stanza says that it is.
  yield* foldersOf('srv/watchdogd/node_modules/node-finit');
  yield link('srv/watchdogd/node_modules/node-finit', `/${PACKAGE}`);
  for (const name of ['watchdogd.mjs', 'watchdogd.conf'])
    yield { name: `srv/watchdogd/${name}`, from: join(projectRoot, 'examples/watchdogd', name) };

  yield* foldersOf('modules/any');
  const modules = inLoadingOrder(kernel.modules, [...DRIVERS, ...TCO]);
  for (const name of modules) yield { name: `modules/${name}.ko`, from: join(kernel.modules, `${name}.ko`) };
  for (const [scenario, files] of scenarios)
    for (const [name, content] of Object.entries(files)) {
      yield* foldersOf(`scenarios/${scenario}${name}`);
      yield file(`scenarios/${scenario}${name}`, content);
    }
  yield file('init', init(modules), 0o755);
}

/** The kernel gives what it does not know of its command line to this as environment: $scenario. */
const init = (modules: readonly string[]): string => `#!/bin/sh
/bin/mount -t devtmpfs dev /dev
for name in ${modules.join(' ')}; do /sbin/insmod /modules/$name.ko; done
/bin/cp -a /scenarios/$scenario/. /
rm -rf /modules /scenarios /init
exec /sbin/finit
`;

/** The example's stanza, as it is documented. */
export const exampleStanza = (): string =>
  readFileSync(join(projectRoot, 'examples/watchdogd/watchdogd.conf'), 'utf8');
