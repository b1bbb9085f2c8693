// Why services do not run, on real finits: one service for each cause.
import test from 'ava';
import { set } from '#src/conditions/index.js';
import {
  type Explanation,
  explain,
  formatExplanation,
  get,
  list,
  restart,
  start,
  stop,
} from '#src/services/index.js';
import { reload, setRunlevel } from '#src/system/index.js';
import { eventually, PROJECT, startFinit } from '../helpers/real-finit.js';

const ready = `
import * as notify from '${PROJECT}/dist/notify/index.js';
process.on('SIGHUP', () => {});
setInterval(() => {}, 1e6);
notify.ready();
`;
const config = `
service name:ready notify:systemd node /srv/ready.mjs -- Says that it is ready
service name:mute notify:none /bin/sleep 1001 -- Does not tell, and finit takes it for ready
service name:silent notify:systemd /bin/sleep 1002 -- Never ready
service name:silent6 notify:s6 /bin/sleep 1003 %n -- Never ready
service name:deaf6 notify:s6 /bin/sleep 1003 -- Never ready
service name:pidless notify:pid pid:!/run/pidless.pid /bin/sleep 1004 -- Makes no PID file
service [3] name:three notify:none /bin/sleep 1005 -- In runlevel 3
service name:gone notify:none /opt/gone -- Its program vanishes
service name:noenv env:/etc/default/none notify:none /bin/sleep 1006 -- No environment file
service name:crasher restart:1 restart_sec:1 notify:none /bin/sh -c 'sleep 0.05; exit 3' -- Crashes
service name:killed restart_sec:200 notify:none /bin/sh -c 'sleep 0.05; kill -9 $$' -- Is killed
service name:pre pre:/bin/false notify:none /bin/sleep 1007 -- Its script fails
service name:manual manual:yes <usr/never> notify:none /bin/sleep 1008 -- By hand
service name:stopped notify:none /bin/sleep 1009 -- Gets stopped
service name:clash conflict:mute notify:none /bin/sleep 1010 -- Not beside mute
service name:needy <usr/never> notify:none /bin/sleep 1011 -- Waits for a user
service name:net <net/eth7/up,hook/sys/down,boot/word> notify:none /bin/sleep 1012 -- Waits for finit
service name:chain <pid/gone,service/link/ready> notify:none /bin/sleep 1013 -- Waits for others
service name:link <service/silent/ready,pid/gone> notify:none /bin/sleep 1014 -- Waits for others
service name:hen <service/egg/ready> notify:none /bin/sleep 1015 -- Waits for egg
service name:egg <service/hen/ready> notify:none /bin/sleep 1016 -- Waits for hen
service name:lost <service/nobody/ready> notify:none /bin/sleep 1017 -- Waits for nobody
task name:good /bin/sleep 0.05 -- Works
task name:bad /bin/sh -c 'sleep 0.05; exit 7' -- Fails
task name:afterbad <task/bad/success> /bin/true -- After bad
tty [2345] /dev/ttyS9 115200 vt100
`;
const fromWithin = `
import { explain } from '${PROJECT}/dist/services/index.js';
const [transport, ...names] = process.argv.slice(1);
const all = [];
for (const name of names) all.push(await explain(name, { transport }));
console.log(JSON.stringify(all));
`;
const files = {
  '/srv/ready.mjs': ready,
  '/opt/gone': { content: '#!/bin/sh\nexec sleep 1020\n', mode: 0o755 },
};

/** Without how long it has been so. */
function lines(explanation: Explanation): string[] {
  return formatExplanation(explanation).map((line) => line.replace(/ for \d+ (s|min)/, ' for a while'));
}

for (const suite of ['forky', 'trixie']) {
  test(`on ${suite}, every reason why a service does not run is told`, async (t) => {
    await using box = await startFinit(suite, { config: { 'test.conf': config }, files });
    const { runDir } = box;
    const tells = async (name: string, ...expected: string[]) => {
      // Some of them are on their way to it still.
      const told = await eventually(async () => {
        const now = lines(await explain(name, { runDir }));
        return now[0] === expected[0] && now[1] === expected[1] && now;
      }).catch(async () => lines(await explain(name, { runDir })));
      t.deepEqual(told, expected);
    };
    await box.exec(['rm', '/opt/gone']);
    await restart('gone', { runDir });
    await stop('stopped', { runDir });

    await tells('ready', 'ready: running', '└─ running for a while, and ready');
    await tells('mute', 'mute: running', '└─ running for a while, and ready');
    await tells(
      'silent',
      'silent: running',
      '└─ running for a while, and it has not said READY=1 yet (notify:systemd)',
    );
    await tells(
      'silent6',
      'silent6: running',
      '└─ running for a while, and it has not written its line to the descriptor yet (notify:s6)',
    );
    await tells(
      'deaf6',
      'deaf6: running',
      '└─ running for a while, and it cannot know which descriptor to write to: its arguments lack %n, as in --s6-fd %n (notify:s6)',
    );
    await tells(
      'pidless',
      'pidless: running',
      '└─ running for a while, and its PID file /run/pidless.pid is not there yet (notify:pid)',
    );
    await tells('three', 'three: halted', '└─ it is for runlevels [3], and finit is in 2');
    await tells('gone', 'gone: missing', '└─ its program /opt/gone does not exist, or may not be executed');
    await tells(
      'noenv',
      'noenv: missing',
      '└─ its environment file /etc/default/none does not exist (with env:-/etc/default/none it need not)',
    );
    await tells('tty:S9', 'tty:S9: missing', '└─ its terminal /dev/ttyS9 does not exist');
    await tells('killed', 'killed: restart', '└─ it ended, killed by SIGKILL, and finit will start it again');
    await tells(
      'pre',
      'pre: crashed',
      '└─ its pre: script /bin/false failed with status 1; then: node-finit start pre',
    );
    await tells('stopped', 'stopped: stopped', '└─ somebody has stopped it: node-finit start stopped');
    await tells(
      'manual',
      'manual: stopped',
      '├─ manual:yes, and nobody has started it yet: node-finit start manual',
      '└─ <usr/never> is off: nobody has set it: node-finit cond set never',
    );
    await tells(
      'clash',
      'clash: conflict',
      '└─ it does not run beside mute, which is running',
      '   └─ mute: running',
      '      └─ running for a while, and ready',
    );
    await tells(
      'needy',
      'needy: waiting',
      '└─ <usr/never> is off: nobody has set it: node-finit cond set never',
    );
    await tells(
      'net',
      'net: waiting',
      "├─ <net/eth7/up> is off: finit's netlink plugin asserts it when the network interface eth7 is up",
      '├─ <hook/sys/down> is off: finit asserts it when it comes to sys/down, while it boots or shuts down',
      '└─ <boot/word> is off: it is for machines that are booted with finit.cond=word',
    );
    await tells(
      'chain',
      'chain: waiting',
      '├─ <pid/gone> is off: it comes from the PID file of gone',
      '│  └─ gone: missing',
      '│     └─ its program /opt/gone does not exist, or may not be executed',
      '└─ <service/link/ready> is off: it comes when link is ready',
      '   └─ link: waiting',
      '      ├─ <service/silent/ready> is off: it comes when silent is ready',
      '      │  └─ silent: running',
      '      │     └─ running for a while, and it has not said READY=1 yet (notify:systemd)',
      '      └─ <pid/gone> is off: it comes from the PID file of gone (gone: see above)',
    );
    await tells(
      'hen',
      'hen: waiting',
      '└─ <service/egg/ready> is off: it comes when egg is ready',
      '   └─ egg: waiting',
      '      └─ <service/hen/ready> is off: it comes when hen is ready; hen is what waits for it: a circle',
    );
    await tells(
      'lost',
      'lost: waiting',
      '└─ <service/nobody/ready> is off: it comes from the service nobody, and finit has none of that name: ' +
        'it has no stanza, or finit did not take it (see its log)',
    );
    await tells('good', 'good: done', '└─ has run, and ended well');
    await tells('bad', 'bad: failed', '└─ it ended with status 7');
    await tells(
      'afterbad',
      'afterbad: waiting',
      '└─ <task/bad/success> is off: it comes when the task bad has ended well',
      '   └─ bad: failed',
      '      └─ it ended with status 7',
    );
    await tells(
      'crasher',
      'crasher: crashed',
      '└─ finit has given up on it after 1 of 1 restarts; it ended with status 3. When that is mended: node-finit start crasher',
    );
    await t.throwsAsync(explain('nobody', { runDir }), { code: 'FINIT_UNKNOWN_SERVICE' });
    // All of them, but for the one that comes and goes: the same from where finit is, and by its initctl as far as that tells.
    const stable = (await list({ runDir }))
      .filter(({ name }) => name !== 'killed')
      .map(({ identity }) => identity);
    const here: Explanation[] = [];
    for (const name of stable) here.push(await explain(name, { runDir }));
    const there = async (transport: string) => {
      const { stdout, stderr } = await box.exec([
        'node',
        '--input-type=module',
        '-e',
        fromWithin,
        transport,
        ...stable,
      ]);
      t.is(stderr, '');
      return JSON.parse(stdout) as Explanation[];
    };
    t.deepEqual((await there('auto')).map(lines), here.map(lines));
    const states = (all: Explanation[]) => all.map(({ service, state, ok }) => [service, state, ok]);
    t.deepEqual(states(await there('initctl')), states(here));
    // By finit's job number, which services with the same command share.
    const { job } = await get('gone', { runDir });
    t.is((await explain(String(job), { runDir })).service, 'gone');
  });

  test(`on ${suite}, what has changed is told`, async (t) => {
    await using box = await startFinit(suite, {
      config: {
        'ready.conf': 'service name:ready notify:systemd node /srv/ready.mjs -- Says it once',
        'test.conf': `
service name:after <service/ready/ready> notify:none /bin/sleep 1001 -- After ready
service name:needy <usr/never> notify:none /bin/sleep 1002 -- Waits for a user
service name:gone notify:none /opt/gone -- Its program vanishes
service [3] name:three notify:none /bin/sleep 1003 -- In runlevel 3
service name:later manual:yes notify:none /bin/sleep 1004 -- By hand
`,
      },
      files,
    });
    const { runDir } = box;
    const comesToBe = async (name: string, ...expected: string[]) => {
      let told: string[] = [];
      await eventually(async () => {
        told = lines(await explain(name, { runDir }));
        return told.join() === expected.join();
      }).catch(() => undefined);
      t.deepEqual(told, expected);
    };
    const fine = (name: string) => [`${name}: running`, '└─ running for a while, and ready'];
    await comesToBe('after', ...fine('after'));
    await set('never', { runDir });
    await comesToBe('needy', ...fine('needy'));
    await comesToBe('three', 'three: halted', '└─ it is for runlevels [3], and finit is in 2');
    await setRunlevel(3, { runDir });
    await comesToBe('three', ...fine('three'));

    await box.exec(['mv', '/opt/gone', '/opt/back']);
    await restart('gone', { runDir });
    await comesToBe(
      'gone',
      'gone: missing',
      '└─ its program /opt/gone does not exist, or may not be executed',
    );
    await box.exec(['mv', '/opt/back', '/opt/gone']);
    await comesToBe(
      'gone',
      'gone: missing',
      '└─ finit did not find its program /opt/gone; it is there now: node-finit start gone',
    );
    await start('gone', { runDir });
    await comesToBe('gone', ...fine('gone'));

    // It gets SIGHUP, and says nothing.
    await box.exec(['touch', '/etc/finit.d/ready.conf']);
    await reload({ runDir });
    await comesToBe(
      'after',
      'after: paused',
      '├─ its process is held (SIGSTOP) until its conditions are on again, or off',
      '└─ <service/ready/ready> is in flux: ready has not asserted it again since the last reload or change of runlevel',
      '   └─ ready: running',
      '      └─ running for a while, and it has not said READY=1 again since the last reload (notify:systemd)',
    );

    await box.exec(['touch', '/tmp/norespawn']);
    await start('later', { runDir });
    await comesToBe(
      'later',
      // 4.12 looks later.
      suite === 'trixie' ? 'later: starting' : 'later: waiting',
      '└─ finit starts nothing while there is a file /tmp/norespawn',
    );
  });
}
