/** What is tried, each in a machine of its own; what goes on inside is in guest/. */
import { exampleStanza, GUEST, SHIM } from './image.js';
import type { MachineOptions } from './machine.js';
import type { Watcher } from './watcher.js';

export interface Scenario {
  /** Of its program in guest/. */
  name: string;
  title: string;
  whenFired: MachineOptions['whenFired'];
  /** Files of the machine beyond those that all have. */
  files?: Readonly<Record<string, string>>;
  /** What has to become of the machine, in this order. */
  watch(watcher: Watcher): Promise<void>;
}

const fires = async (watcher: Watcher): Promise<void> => {
  await watcher.done();
  await watcher.event('WATCHDOG');
};

export const scenarios: readonly Scenario[] = [
  {
    name: 'takeover',
    title: "examples/watchdogd takes the watchdog over from finit's own, and keeps the machine alive",
    whenFired: 'pause',
    async watch(watcher) {
      await watcher.done();
      await watcher.event('SHUTDOWN', { reason: 'guest-reset' });
    },
  },
  {
    name: 'stopped',
    title: 'examples/watchdogd is stopped, and the machine is reset',
    whenFired: 'pause',
    files: { '/etc/finit.d/watchdogd.conf': exampleStanza() },
    watch: fires,
  },
  {
    name: 'blocked',
    title: 'an event loop hangs behind finit-shim, the kernel warns, and the machine is reset',
    whenFired: 'pause',
    files: {
      '/etc/finit.d/pinger.conf': `service [2] name:pinger notify:systemd ${SHIM} --identity pinger /usr/bin/node ${GUEST}/pinger.js -- Pinger\n`,
    },
    watch: fires,
  },
  {
    name: 'device',
    title: 'systemWatchdog() on i6300esb: as the kernel has it; trigger(), and the start after that',
    whenFired: 'reset',
    async watch(watcher) {
      await fires(watcher);
      await watcher.done();
      await watcher.event('SHUTDOWN', { reason: 'guest-shutdown' });
    },
  },
  {
    name: 'tco',
    title: 'systemWatchdog() on iTCO: the time that is left, and trigger() where 1 s is too short',
    whenFired: 'pause',
    watch: fires,
  },
];

/** What is laid over the machine's root: the scenario's files, and a task that runs its program. */
export const filesOf = ({ name, files }: Scenario): Record<string, string> => ({
  ...files,
  '/etc/finit.d/story.conf': `task [2] name:story log:console /usr/bin/node ${GUEST}/${name}.js -- What is tried\n`,
});
