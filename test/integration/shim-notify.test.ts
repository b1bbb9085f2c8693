// How finit-shim tells a real finit that its service is ready: by what finit gives it, and when it is told to.
import test from 'ava';
import * as conditions from '#src/conditions/index.js';
import { compareVersions } from '#src/protocol/version.js';
import type { Sandbox } from '#src/sandbox/index.js';
import { withNotify } from '../helpers/finits.js';
import { eventually } from '../helpers/real-finit.js';
import {
  dependant,
  nodeBehindShim,
  SHIM,
  serviceIn,
  sharedBoxes,
  stanza,
  touchAndReload,
} from '../helpers/shim-box.js';

const boxOf = sharedBoxes(
  test,
  {
    files: {
      ...nodeBehindShim('web', '', `while (!existsSync('/run/go-web')) await sleep(20); notify.ready();`),
      ...nodeBehindShim(
        'pipe',
        '',
        `notify.status('the shim, not finit: ' + notify.supervisor.kind);
       while (!existsSync('/run/go-pipe')) await sleep(20);
       notify.ready();`,
      ),
      ...nodeBehindShim(
        'early',
        '--listen tcp:127.0.0.1:8080 --ready listening',
        `import { createServer } from 'node:net';
       let reloads = 0;
       process.on('SIGHUP', () => notify.status('reload ' + ++reloads));
       notify.status('not listening yet');
       while (!existsSync('/run/go-early')) await sleep(20);
       createServer((socket) => socket.end('served')).listen({ fd: 3 }, () => notify.ready());`,
      ),
    },
    config: {
      'web.conf': stanza('web'),
      'early.conf': stanza('early'),
      // As in the documentation. Who is ready by a pipe cannot be so twice: <!> has finit restart it instead of SIGHUP.
      'pipe.conf': `service name:pipe notify:s6 <!> ${SHIM} --identity pipe --notify s6:%n /usr/bin/node /srv/pipe.mjs -- pipe\n`,
      'needs.conf': ['web', 'early', 'pipe'].map(dependant).join(''),
    },
  },
  withNotify,
);

/** Waits until finit holds a service for ready, and what needs it runs; the pid of that. */
async function ready(box: Sandbox, name: string): Promise<number | undefined> {
  await conditions.wait(`service/${name}/ready`, { runDir: box.runDir, timeout: 60_000 });
  return (await serviceIn(box, `needs-${name}`, ({ state }) => state === 'running')).pid;
}

/** A service that runs, and is not ready for finit: what needs it waits. */
async function notReady(box: Sandbox, name: string) {
  const service = await serviceIn(box, name, ({ shim, pid }) => pid && shim?.main);
  await serviceIn(box, `needs-${name}`, ({ state, pid }) => state === 'waiting' && !pid);
  return { service, condition: await conditions.get(`service/${name}/ready`, { runDir: box.runDir }) };
}

for (const finit of withNotify) {
  test.serial(
    `notify:systemd on ${finit}: the shim says it is ready through finit's descriptor or socket`,
    async (t) => {
      const box = boxOf(t, finit);
      const { service, condition } = await notReady(box, 'web');
      t.is(condition, 'off');
      const environment = (await box.exec(['cat', `/proc/${service.pid}/environ`])).stdout.split('\0');
      t.regex(
        environment.find((entry) => entry.startsWith('NOTIFY_SOCKET=')) ?? '',
        compareVersions(box.version, '4.13') < 0
          ? /^NOTIFY_SOCKET=[0-9]+$/
          : new RegExp(`=@run/finit/notify/${service.pid}$`),
      );
      await box.exec(['touch', '/run/go-web']);
      t.truthy(await ready(box, 'web'));
    },
  );

  test.serial(
    `notify:s6 on ${finit}: the shim says it is ready through the pipe, at each start`,
    async (t) => {
      const box = boxOf(t, finit);
      t.is((await notReady(box, 'pipe')).condition, 'off');
      await box.exec(['touch', '/run/go-pipe']);
      await ready(box, 'pipe');
      const before = await serviceIn(box, 'pipe', ({ shim }) => shim?.ready);
      t.is(before.shim?.status, 'the shim, not finit: shim');
      await touchAndReload(box, 'pipe');
      const after = await serviceIn(box, 'pipe', ({ shim, pid }) => pid !== before.pid && shim?.ready);
      t.not(after.shim?.main?.pid, before.shim?.main?.pid);
      t.truthy(await ready(box, 'pipe'));
    },
  );

  test.serial(
    `--ready listening on ${finit}: what needs a service starts while that is starting, and clients wait`,
    async (t) => {
      const box = boxOf(t, finit);
      const needs = await ready(box, 'early');
      const starting = await serviceIn(box, 'early', ({ shim }) => shim?.status === 'not listening yet');
      t.like(starting.shim, { state: 'starting', ready: false });
      const script = `require('net').connect(8080, '127.0.0.1', () => fs.writeFileSync('/run/connected', '')).pipe(process.stdout)`;
      const client = box.exec(['node', '-e', script]);
      await eventually(async () => (await box.exec(['test', '-e', '/run/connected'])).code === 0);

      // It has not said READY=1 itself yet: the shim says it again for it.
      await touchAndReload(box, 'early');
      const reloaded = await serviceIn(box, 'early', ({ shim }) => shim?.status === 'reload 1');
      t.like(reloaded.shim, { state: 'starting', ready: false });
      t.is(await ready(box, 'early'), needs);

      await box.exec(['touch', '/run/go-early']);
      t.is((await client).stdout, 'served');
      await serviceIn(box, 'early', ({ shim }) => shim?.state === 'ready' && shim.ready);
      await touchAndReload(box, 'early');
      await serviceIn(box, 'early', ({ shim }) => shim?.status === 'reload 2' && shim.state === 'ready');
      t.is(await ready(box, 'early'), needs);
      t.is((await serviceIn(box, 'early', ({ shim }) => shim?.ready)).pid, starting.pid);
    },
  );
}
