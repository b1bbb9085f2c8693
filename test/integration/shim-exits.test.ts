// Ends of services behind finit-shim, as a real finit sees them.
import test from 'ava';
import { signalName } from '#src/protocol/signals.js';
import { list, type ProcessExit } from '#src/services/index.js';
import { withNotify } from '../helpers/finits.js';
import { eventually, startFinit } from '../helpers/real-finit.js';
import { SHIM } from '../helpers/shim-box.js';

/** Signals that end nobody by default: CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH (signal(7)). */
const HARMLESS = [17, 18, 19, 20, 21, 22, 23, 28];
/** All others, up to the last of the real-time ones; 32 and 33, which libraries keep for themselves, are signals like any other here. */
const ENDING = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => !HARMLESS.includes(number));

const wanted = new Map<string, ProcessExit>([
  ...Array.from({ length: 256 }, (_, code): [string, ProcessExit] => [`exit-${code}`, { code }]),
  ...ENDING.map((number): [string, ProcessExit] => [`kill-${number}`, { signal: signalName(number) }]),
]);

/** All in the stanza, as in the documentation: without a -- before the command, which finit would take for the description's. */
const task = (name: string): string => {
  const [script, number] = name.split('-');
  // busybox's shell does not let itself be ended by SIGQUIT.
  const command = name === 'kill-3' ? '/usr/bin/node /srv/quit.js' : `/bin/sh /srv/${script}.sh ${number}`;
  return `task name:${name} ${SHIM} --identity ${name} ${command} -- ${name}\n`;
};

for (const finit of withNotify) {
  test(`every exit code and every signal that ends a service is what finit of ${finit} sees`, async (t) => {
    t.timeout(120_000);
    await using box = await startFinit(finit, {
      config: { 'ends.conf': [...wanted.keys()].map(task).join('') },
      files: {
        '/srv/exit.sh': 'exit $1\n',
        '/srv/quit.js': "process.kill(process.pid, 'SIGQUIT'); setInterval(() => {}, 1e6);\n",
        '/srv/kill.sh': 'ulimit -c 0\nkill -$1 $$\nsleep 1000\n',
      },
    });
    const { runDir } = box;
    const ended = await eventually(async () => {
      const tasks = (await list({ runDir })).filter(({ identity }) => wanted.has(identity));
      return tasks.length === wanted.size && tasks.every(({ exit, pid }) => exit && !pid) && tasks;
    });
    for (const [what, of] of [
      ['finit', ended.map(({ identity, exit }) => [identity, exit])],
      ['the status files', ended.map(({ identity, shim }) => [identity, shim?.exit])],
    ] as const)
      t.deepEqual(new Map(of as [string, ProcessExit][]), wanted, what);
  });
}
