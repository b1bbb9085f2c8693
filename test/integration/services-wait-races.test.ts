// Orders that are waited for, where something comes in between: quick ends, other people's orders, what others fail to do.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { get, list, reload, restart, start, stop } from '#src/services/index.js';
import { reload as reloadFinit } from '#src/system/index.js';
import { eventually, PROJECT, startFinit } from '../helpers/real-finit.js';

/** Says that it is ready, and after SIGHUP a good while later once more, when it has left a note. */
const web = `
import * as notify from '${PROJECT}/dist/notify/index.js';
import { appendFileSync } from 'node:fs';
process.on('SIGHUP', () => setTimeout(() => { appendFileSync('/run/notes', 'again '); notify.ready(); }, 400));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1e6);
notify.ready();
`;
const sysv = `#!/bin/sh
case $1 in
  start) sleep 1030 >/dev/null 2>&1 & echo $! >/run/old.pid ;;
  stop) kill $(cat /run/old.pid); rm -f /run/old.pid ;;
esac
`;
const config = `
service name:web manual:yes notify:systemd node /srv/web.mjs -- Takes SIGHUP
service name:deaf manual:yes notify:systemd /srv/deaf.sh -- Is ready once only
${Array.from({ length: 15 }, (_, i) => `service name:flash :${i} restart:0 manual:yes notify:none /bin/false -- Ends at once`).join('\n')}
service name:again restart:2 restart_sec:1 manual:yes notify:none /bin/false -- Ends at once, three times
service name:plain manual:yes notify:none /bin/sleep 1010 -- Does not tell
service name:dull manual:yes notify:pid /bin/sleep 1011 -- Should have a PID file
service name:stubborn manual:yes notify:none kill:2 /srv/stubborn -- Ignores SIGTERM
service name:slow-end manual:yes notify:none kill:20 /srv/slow-end -- Takes its time
service name:cat manual:yes notify:none conflict:dog /bin/sleep 1012 -- Not with the dog
service name:dog manual:yes notify:none /bin/sleep 1013 -- Not with the cat
service name:after-flash manual:yes notify:none <pid/flash:0> /bin/sleep 1014 -- After what crashes
service name:after-after manual:yes notify:none <service/after-flash/ready> /bin/sleep 1015 -- After what waits
service name:envless manual:yes notify:none env:/etc/envless /bin/sleep 1016 -- Has no environment
service name:vanishing manual:yes notify:none /srv/vanishing -- Is going to be removed
service name:a-service-with-a-very-long-name :long manual:yes notify:systemd node /srv/web.mjs long -- Its conditions are cut
task name:once /bin/true -- Runs once
task name:never-good /bin/false -- Failed at boot
task name:quick manual:yes /bin/true -- Ends at once
task name:quick-bad manual:yes /srv/exit4 -- Ends at once, badly
sysv name:old manual:yes pid:!/run/old.pid /srv/old -- A script
`;
const files = {
  '/srv/web.mjs': web,
  '/srv/exit4': { content: '#!/bin/sh\nexit 4\n', mode: 0o755 },
  '/srv/slow-end': {
    content: '#!/bin/sh\ntrap "sleep 4; exit 0" TERM\nwhile :; do sleep 0.1; done\n',
    mode: 0o755,
  },
  '/srv/old': { content: sysv, mode: 0o755 },
  '/srv/deaf.sh': {
    content: `#!/bin/sh\nnode -e "import('${PROJECT}/dist/notify/index.js').then((n) => n.ready())"\ntrap : HUP\nwhile :; do sleep 0.1; done\n`,
    mode: 0o755,
  },
  '/srv/stubborn': { content: '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 0.1; done\n', mode: 0o755 },
  '/srv/vanishing': { content: '#!/bin/sh\nexec sleep 1020\n', mode: 0o755 },
};

for (const suite of ['forky', 'trixie']) {
  const boot = () => startFinit(suite, { config: { 'test.conf': config }, files });

  test(`on ${suite}, what ends at once is never taken for running`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    for (let i = 0; i < 15; i++) {
      await t.throwsAsync(start(`flash:${i}`, options), {
        code: 'FINIT_SERVICE_FAILED',
        message:
          /flash:\d+ does not get to be ready after start: it crashed with status 1; finit has given up on it after 0 restarts/,
      });
      await start('quick', options);
      t.is((await get('quick', options)).restarts, i + 1);
      await t.throwsAsync(start('quick-bad', options), {
        code: 'FINIT_SERVICE_FAILED',
        message: /it failed with status 4/,
      });
      t.is((await get('quick-bad', options)).restarts, i + 1);
    }
    await t.throwsAsync(start('again', { ...options, wait: 'running' }), {
      code: 'FINIT_SERVICE_FAILED',
      message: /it crashed with status 1; finit has given up on it after 2 restarts/,
    });
  });

  test(`on ${suite}, a restart ends with another process, and nothing is left when a stop is over`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    await start(['plain', 'stubborn', 'web'], options);
    for (let i = 0; i < 8; i++) {
      const before = await Promise.all(['plain', 'web'].map(async (name) => (await get(name, options)).pid));
      await restart(['plain', 'web'], options);
      const after = await Promise.all(['plain', 'web'].map((name) => get(name, options)));
      for (const [j, service] of after.entries()) {
        t.like(service, { state: 'running' });
        t.not(service.pid, before[j]);
      }
      await stop('plain', options);
      t.like(await get('plain', options), { state: 'stopped', pid: undefined });
      await start('plain', options);
    }
    const { pid } = await get('stubborn', options);
    await stop('stubborn', options);
    t.not((await box.exec(['kill', '-0', String(pid)])).code, 0);
    // More than are asked for one by one.
    await start(['plain', 'dull', 'dog', 'web', 'quick', 'stubborn'], options);
    t.is((await list(options)).filter(({ manual, state }) => manual && state === 'running').length, 5);
    // What runs already is there at once.
    await start(['plain', 'web'], { ...options, timeout: 2000 });
  });

  test(`on ${suite}, a reload by SIGHUP is over when the service is ready again`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    const long = 'a-service-with-a-very-long-name:long';
    await start(['web', 'deaf', 'plain', long], options);
    const { pid } = await get('web', options);
    for (let i = 1; i <= 3; i++) {
      await reload('web', options);
      t.is((await box.readFile('/run/notes')).trim(), Array(i).fill('again').join(' '));
    }
    t.is((await get('web', options)).pid, pid);
    await reload(long, options);
    await t.throwsAsync(reload('deaf', { ...options, timeout: 1500 }), {
      code: 'FINIT_TIMEOUT',
      message: /deaf is running, and has not said that it is ready since the reload/,
    });
    await reload('deaf', { ...options, wait: 'running' });
    // SIGHUP kills it; finit starts it again.
    const before = await get('plain', options);
    await reload('plain', options);
    t.not((await get('plain', options)).pid, before.pid);
  });

  test(`on ${suite}, what another client does ends a wait`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    const options = { runDir, wait: true } as const;
    const starting = t.throwsAsync(start('deaf', { ...options, wait: 'done' as never }), {
      code: 'FINIT_INVALID_ARGUMENT',
      message: /deaf: no wait for done, a service is never done/,
    });
    await starting;
    await t.throwsAsync(stop('deaf', { ...options, wait: 'running' }), { code: 'FINIT_INVALID_ARGUMENT' });
    await t.throwsAsync(start('quick', { ...options, wait: 'ready' }), { code: 'FINIT_INVALID_ARGUMENT' });
    t.like(await get('deaf', options), { state: 'stopped' }, 'nothing was ordered');

    const waiting = t.throwsAsync(start('dull', { ...options, wait: 'ready' }), {
      code: 'FINIT_SERVICE_FAILED',
      message: /dull does not get to be ready after start: it has been stopped/,
    });
    await eventually(async () => (await get('dull', options)).state === 'running');
    await stop('dull', { runDir });
    await waiting;

    await start('slow-end', options);
    const stopping = t.throwsAsync(stop('slow-end', options), {
      code: 'FINIT_SERVICE_FAILED',
      message: /does not get to be stopped after stop: it has been started again/,
    });
    await eventually(async () => (await get('slow-end', options)).state === 'stopping');
    await start('slow-end', { runDir });
    await stopping;
  });

  test(`on ${suite}, the reason is told why something does not start`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    const fails = (name: string, message: RegExp) =>
      t.throwsAsync(start(name, options), { code: 'FINIT_SERVICE_FAILED', message });
    await start('dog', options);
    await fails('cat', /it conflicts with dog/);
    await fails('envless', /\/bin\/sleep or its environment file does not exist/);
    await start('vanishing', options);
    await box.exec(['rm', '/srv/vanishing'], { check: true });
    await t.throwsAsync(restart('vanishing', options), {
      code: 'FINIT_SERVICE_FAILED',
      message: /\/srv\/vanishing or its environment file does not exist/,
    });
    await fails('after-flash', /it waits for <pid\/flash:0>, which is off/);
    // Its owner waits, too, for what does not come.
    await fails('after-after', /it waits for <service\/after-flash\/ready>, which is off/);
    await start('once', options);
    await fails('never-good', /it had failed with status 1, and finit does not run it again/);
    // finit 4's default, readiness by a PID file, with which many make none.
    await start('dull', options);
    await t.throwsAsync(start('dull', { ...options, wait: 'ready', timeout: 700 }), {
      code: 'FINIT_TIMEOUT',
      message: /dull is running, and has not said that it is ready$/,
    });
  });

  test(`on ${suite}, a wait does not take a control socket that is made anew for the end of finit`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    await start('web', { runDir, wait: true });
    const waiting = start('dull', { runDir, wait: 'ready' });
    let over: unknown;
    waiting.then(
      () => {
        over = 'it resolved';
      },
      (error) => {
        over = error;
      },
    );
    // finit makes its socket anew each time.
    for (let i = 0; i < 100; i++) {
      process.kill(box.pid, 'SIGUSR1');
      await sleep(5);
    }
    t.is(over, undefined);
    const { pid } = await eventually(() => get('dull', { runDir }).catch(() => undefined));
    await box.exec(['/bin/sh', '-c', `echo ${pid} >/run/dull.pid`], { check: true });
    await waiting;
    t.is((await get('dull', { runDir })).pid, pid);
  });

  test(`on ${suite}, a sysv script is waited for`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    await start('old', options);
    const old = await get('old', options);
    t.is((await box.readFile('/run/old.pid')).trim(), String(old.pid));
    await stop('old', options);
    t.like(await get('old', options), { pid: undefined });
  });

  test(`on ${suite}, a stanza that is removed, and a shutdown, end a wait`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    await box.writeConfig('more.conf', 'service name:more notify:pid /bin/sleep 1040 -- More\n');
    await reloadFinit({ runDir });
    await eventually(async () => (await list({ runDir })).some(({ name }) => name === 'more'));
    const removed = t.throwsAsync(restart('more', { runDir, wait: 'ready' }), {
      code: 'FINIT_SERVICE_FAILED',
    });
    await sleep(200);
    await box.removeConfig('more.conf');
    box.reload();
    await removed;
    await eventually(() => get('dull', { runDir }).catch(() => undefined));
    const down = t.throwsAsync(start('dull', { runDir, wait: 'ready' }));
    await eventually(async () => (await get('dull', { runDir })).state === 'running');
    await box.poweroff();
    const { code } = (await down) as { code?: string };
    t.true(['FINIT_NOT_RUNNING', 'FINIT_CONNECTION_LOST', 'FINIT_SERVICE_FAILED'].includes(code ?? ''), code);
  });
}
