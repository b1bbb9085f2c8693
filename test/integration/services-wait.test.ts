// Orders that are waited for, on real finits: they end when the services are there, or when it is clear that they will not be.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { set } from '#src/conditions/index.js';
import {
  dependents,
  findByCondition,
  findByPid,
  get,
  list,
  reload,
  restart,
  signal,
  start,
  stop,
} from '#src/services/index.js';
import { eventually, PROJECT, startFinit } from '../helpers/real-finit.js';

const web = `
import * as notify from '${PROJECT}/dist/notify/index.js';
process.on('SIGHUP', () => notify.ready());
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 100));
setInterval(() => {}, 1e6);
setTimeout(() => notify.ready(), 300);
`;
const config = `
service name:web notify:systemd node /srv/web.mjs -- Ready after a while
service name:plain manual:yes notify:none /bin/sleep 1000 -- Does not tell
service name:slow manual:yes notify:pid pid:!/run/slow.pid /bin/sh -c 'sleep 0.3; echo $$ >/run/slow.pid; exec sleep 1001' -- PID file
service name:crasher restart:2 restart_sec:1 manual:yes notify:systemd /bin/sh -c 'sleep 0.05; exit 3' -- Crashes
service name:onlythree [3] notify:none /bin/sleep 1002 -- In runlevel 3
service name:needy manual:yes notify:none <usr/never> /bin/sleep 1003 -- Waits for nobody
service name:after manual:yes notify:none <service/web/ready> /bin/sleep 1004 -- After web
service name:mute manual:yes notify:systemd /bin/sleep 1007 -- Never says that it is ready
service name:inst :1 manual:yes notify:none /bin/sleep 1005 -- One
service name:inst :2 manual:yes notify:none /bin/sleep 1006 -- Two
task name:good manual:yes /bin/sleep 0.2 -- Works
task name:bad manual:yes /bin/sh -c 'sleep 0.1; exit 7' -- Fails
`;

for (const suite of ['forky', 'trixie']) {
  const boot = () => startFinit(suite, { config: { 'test.conf': config }, files: { '/srv/web.mjs': web } });

  test(`on ${suite}, start, stop, restart and reload are over when the services have got there`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    await start('web', options);
    const first = await get('web', options);
    t.like(first, { state: 'running' });
    await restart('web', options);
    const second = await get('web', options);
    t.like(second, { state: 'running' });
    t.not(second.pid, first.pid);
    t.is((await findByCondition('service/web/ready', options))?.pid, second.pid);
    await reload('web', options);
    t.is((await get('web', options)).pid, second.pid);
    await stop('web', options);
    t.like(await get('web', options), { state: 'stopped', pid: undefined });
    await start('plain', options);
    t.is((await get('plain', options)).state, 'running');
    await start('slow', options);
    t.is((await box.exec(['cat', '/run/slow.pid'])).stdout.trim(), String((await get('slow', options)).pid));
    await start('inst', options);
    t.is((await list(options)).filter(({ name, pid }) => name === 'inst' && pid).length, 2);
    await stop(['inst:1', 'plain', 'slow'], options);
    t.deepEqual(
      (await list(options)).filter(({ pid }) => pid).map(({ identity }) => identity),
      ['keventd', 'inst:2'],
    );
  });

  test(`on ${suite}, tasks are waited for, and run again`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir, wait: true } as const;
    for (let i = 0; i < 3; i++) {
      await start('good', options);
      t.like(await get('good', options), { state: 'done', exit: { code: 0 } });
      await t.throwsAsync(start('bad', options), {
        code: 'FINIT_SERVICE_FAILED',
        message: /bad does not get to be done after start: it failed with status 7/,
      });
    }
    t.is((await get('good', options)).restarts, 3);
  });

  test(`on ${suite}, what cannot get there is an error that says why`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    const options = { runDir, wait: true } as const;
    const fails = async (name: string, message: RegExp) =>
      await t.throwsAsync(start(name, options), { code: 'FINIT_SERVICE_FAILED', message });
    await Promise.all([
      fails('onlythree', /is for runlevels 3, and finit is in 2/),
      fails('needy', /waits for <usr\/never>, which is off/),
    ]);
    await t.throwsAsync(start('crasher', { ...options, wait: 'stopped', timeout: 500 }), {
      code: 'FINIT_TIMEOUT',
    });
    await fails('crasher', /crashed with status 3; finit has given up/);
    await t.throwsAsync(start('nobody', options), { code: 'FINIT_UNKNOWN_SERVICE' });
    await t.throwsAsync(start('web', { runDir, wait: 'soon' as never }), { code: 'FINIT_INVALID_ARGUMENT' });
  });

  test(`on ${suite}, what others are on their way to is waited for`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    const options = { runDir, wait: true } as const;
    await stop('web', options);
    await start(['after', 'web'], options);
    t.is((await get('after', options)).state, 'running');
    t.deepEqual(
      (await dependents('service/web/ready', options)).map(({ identity, conditions }) => ({
        identity,
        conditions,
      })),
      [{ identity: 'after', conditions: [{ name: 'service/web/ready', state: 'on' }] }],
    );
    await set('door', { runDir });
    t.deepEqual((await get('needy', options)).conditions, [{ name: 'usr/never', state: 'off' }]);
    const started = start('needy', options);
    await sleep(300);
    await set('never', { runDir });
    await started;
    t.is((await get('needy', options)).state, 'running');
  });

  test(`on ${suite}, a wait ends with its time, its signal, and with finit`, async (t) => {
    await using box = await boot();
    const { runDir } = box;
    await t.throwsAsync(start('mute', { runDir, wait: true, timeout: 2500 }), {
      code: 'FINIT_TIMEOUT',
      message: /Not ready within 2500 ms: mute is running, and has not said that it is ready/,
    });
    const controller = new AbortController();
    const aborted = t.throwsAsync(start('needy', { runDir, wait: true, signal: controller.signal }));
    await sleep(100);
    controller.abort(new Error('enough'));
    t.like(await aborted, { code: 'FINIT_ABORTED' });
    // mute, not needy: that one is given up after a second of no movement, which the end of a box may take on a busy machine.
    const gone = start('mute', { runDir, wait: true }).then(
      () => 'no error',
      ({ code }: { code?: string }) => code,
    );
    await sleep(100);
    await box.kill();
    t.regex(String(await gone), /^FINIT_(NOT_RUNNING|CONNECTION_LOST)$/);
  });

  test(`on ${suite}, signals reach services, and processes are found`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    await start('plain', { ...options, wait: true });
    const { pid = 0 } = await get('plain', options);
    await signal('plain', 'SIGSTOP', options);
    await eventually(async () => /\) T /.test((await box.exec(['cat', `/proc/${pid}/stat`])).stdout));
    await signal('plain', 18, options);
    await eventually(async () => /\) S /.test((await box.exec(['cat', `/proc/${pid}/stat`])).stdout));
    await t.throwsAsync(signal('needy', 'SIGHUP', options), {
      code: 'FINIT_REFUSED',
      message: /not running/,
    });
    await t.throwsAsync(signal('nobody', 'SIGHUP', options), { code: 'FINIT_UNKNOWN_SERVICE' });
    for (const wrong of ['SIGNOPE', 0, 32, 1.5, undefined] as never[])
      await t.throwsAsync(signal('plain', wrong, options), { code: 'FINIT_INVALID_ARGUMENT' });
    t.is((await findByPid(pid, options))?.identity, 'plain');
    t.is(await findByPid(1, options), undefined);
    t.is(await findByPid(4_000_000, options), undefined);
    t.is((await findByCondition('pid/plain', options))?.identity, 'plain');
    t.is(await findByCondition('usr/never', options), undefined);
  });

  test(`on ${suite}, a service finds itself, in a child too`, async (t) => {
    const script = `
      import { execFileSync } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      import { services } from '${PROJECT}/dist/index.js';
      const { identity } = await services.self();
      const code = \`import('${PROJECT}/dist/index.js').then(async ({ services }) => console.log((await services.self()).identity))\`;
      const child = execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' }).trim();
      writeFileSync('/run/said', JSON.stringify({ identity, child }));
      setInterval(() => {}, 1e6);`;
    await using box = await startFinit(suite, {
      config: { 'me.conf': 'service name:me :7 notify:none node /srv/me.mjs -- Me\n' },
      files: { '/srv/me.mjs': script },
    });
    await eventually(async () => (await box.exec(['cat', '/run/said'])).code === 0);
    t.deepEqual(JSON.parse(await box.readFile('/run/said')), { identity: 'me:7', child: 'me:7' });
  });
}
