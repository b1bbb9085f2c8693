// finit-shim between a real finit and a service: what finit sees of it, and what it does then.
import { readFileSync } from 'node:fs';
import test from 'ava';
import * as conditions from '#src/conditions/index.js';
import { withNotify } from '../helpers/finits.js';
import { eventually, PROJECT } from '../helpers/real-finit.js';
import {
  behindShim,
  dependant,
  nodeBehindShim,
  serviceIn,
  sharedBoxes,
  stanza,
} from '../helpers/shim-box.js';

/** A service that goes wrong the first time that it is started, when the test is there to see it; the second one is not watched. */
const once = (name: string, body: string) => `
  if (existsSync('/run/${name}')) {
    notify.send({ ready: true, watchdogTimeout: 0 });
  } else {
    while (!existsSync('/run/go-${name}')) await sleep(20);
    writeFileSync('/run/${name}', '');
    ${body}
  }`;

const services = {
  web: nodeBehindShim(
    'web',
    '--watchdog 100s --keep-alive',
    `watchdog.start();
     let reloads = 0;
     notify.onReload(() => notify.status('reloaded ' + ++reloads));
     notify.status('serving');
     notify.ready();`,
  ),
  silent: nodeBehindShim(
    'silent',
    '--watchdog 2s',
    once('silent', `notify.send({ ready: true, status: 'about to fall silent' }); notify.watchdog();`),
  ),
  blocked: nodeBehindShim(
    'blocked',
    '--watchdog 2s',
    once(
      'blocked',
      `notify.send({ ready: true, status: 'about to be blocked' });
       watchdog.start();
       setTimeout(() => { for (;;); }, 300);`,
    ),
  ),
  patient: nodeBehindShim(
    'patient',
    '--watchdog 1s',
    `notify.send({ ready: true, extendTimeout: 60_000 });
     await sleep(3000);
     notify.status('over');`,
  ),
  // finit kills what is left in a service's session, so it has one of its own.
  killed: {
    ...nodeBehindShim('killed', '', 'notify.ready();'),
    ...behindShim('killed', '', '/bin/busybox setsid /usr/bin/node /srv/killed.mjs'),
  },
};

const boxOf = sharedBoxes(
  test,
  {
    files: Object.assign({}, ...Object.values(services)),
    config: {
      'services.conf': Object.keys(services)
        .map((name) => stanza(name))
        .join(''),
      'needs.conf': dependant('web'),
    },
  },
  withNotify,
);

for (const finit of withNotify) {
  test(`through the shim a service on ${finit} is ready, with a status, and a reload does not pause who needs it`, async (t) => {
    const box = boxOf(t, finit);
    const { pid, shim } = await serviceIn(box, 'web', (found) => found.shim?.ready);
    t.like(shim, {
      state: 'ready',
      status: 'serving',
      restarts: 0,
      watchdog: { timeout: 100_000, missed: 0 },
    });
    t.is(shim?.shim.pid, pid);
    await conditions.wait('service/web/ready', { runDir: box.runDir, timeout: 60_000 });
    const needs = await serviceIn(box, 'needs-web', ({ state }) => state === 'running');
    await box.initctl('reload', 'web');
    await serviceIn(box, 'web', (found) => found.shim?.status === 'reloaded 1');
    await eventually(async () => (await box.initctl('cond', 'get', 'service/web/ready')).code === 0);
    t.is((await serviceIn(box, 'web', (found) => found.shim?.state === 'ready')).pid, pid);
    await serviceIn(box, 'needs-web', (found) => found.state === 'running' && found.pid === needs.pid);

    // What has happened inside the shim is for node-finit status to show: finit knows nothing of it.
    await box.exec(['kill', '-9', String(shim?.main?.pid)]);
    const again = await serviceIn(box, 'web', (found) => found.shim?.ready && found.shim.restarts === 1);
    t.is(again.pid, pid);
    const shown = async (...options: string[]) =>
      (await box.exec(['node', `${PROJECT}/dist/node-finit.cjs`, ...options, 'status', 'web'])).stdout;
    const text = await shown();
    t.regex(text, /^ +Shim : ready, 1 restarts in place$/m);
    t.regex(text, new RegExp(`^ +Main PID : ${again.shim?.main?.pid}$`, 'm'));
    t.regex(text, /^Status text : serving$/m);
    t.regex(text, /^ +Watchdog : 100 s, next within [0-9.]+ s/m);
    t.like(JSON.parse(await shown('--json')), {
      shim: { state: 'ready', ready: true, status: 'serving', restarts: 1, watchdog: { timeout: 100_000 } },
    });
  });

  for (const [name, what] of [
    ['silent', 'stops pinging'],
    ['blocked', 'blocks its event loop'],
  ] as const)
    test(`a service on ${finit} that ${what} for longer than --watchdog is restarted by finit`, async (t) => {
      const box = boxOf(t, finit);
      const first = await serviceIn(box, name, ({ shim }) => shim?.main);
      t.is(first.shim?.watchdog?.timeout, 2000);
      await box.exec(['touch', `/run/go-${name}`]);
      const again = await serviceIn(box, name, ({ pid, shim }) => pid && pid !== first.pid && shim?.ready);
      t.regex(
        await box.readFile(`/run/${name}.log`),
        new RegExp(
          `^finit-shim\\[${first.pid}\\]: ${name}: has not sent WATCHDOG=1 for 2\\.000 s, SIGABRT follows\\. Its last status: about to`,
          'm',
        ),
      );
      t.like(again, { restarts: 1, exit: { signal: 'SIGABRT' }, shim: { restarts: 0 } });
    });

  test(`a service on ${finit} that asks for more time is left alone`, async (t) => {
    const box = boxOf(t, finit);
    const found = await serviceIn(box, 'patient', ({ shim }) => shim?.status === 'over');
    t.like(found, { restarts: 0, shim: { restarts: 0, watchdog: { missed: 0 } } });
    t.is(found.shim?.shim.pid, found.pid);
  });

  test(`SIGKILL of the shim on ${finit} leaves no service behind, and finit starts another`, async (t) => {
    const box = boxOf(t, finit);
    const { pid, shim } = await serviceIn(box, 'killed', (found) => found.shim?.ready);
    await box.exec(['kill', '-9', String(pid)]);
    await eventually(() => {
      try {
        const stat = readFileSync(`/proc/${box.pid}/root/proc/${shim?.main?.pid}/stat`, 'utf8');
        return stat.includes(') Z ');
      } catch {
        return true;
      }
    });
    const again = await serviceIn(box, 'killed', (found) => found.pid !== pid && found.shim?.ready);
    t.not(again.shim?.main?.pid, shim?.main?.pid);
  });
}
