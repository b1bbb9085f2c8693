// finit-shim between a real finit and a service: what finit sees of it, and what it does then.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { get } from '#src/services/index.js';
import { eventually, PROJECT, startFinit, suites } from '../helpers/real-finit.js';

const SHIM = `${PROJECT}/build/Release/finit-shim`;

/** A service behind the shim, as a script: `notify`, `watchdog` and `sleep` are there. */
function service(options: string, body: string): Record<string, string | { content: string; mode: number }> {
  return {
    '/srv/web.sh': {
      content: `#!/bin/sh\nexec ${SHIM} --identity web ${options} -- /usr/bin/node /srv/web.mjs\n`,
      mode: 0o755,
    },
    '/srv/web.mjs': `
      import * as notify from '${PROJECT}/dist/notify/index.js';
      import * as watchdog from '${PROJECT}/dist/watchdog/index.js';
      import { existsSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      setInterval(() => {}, 1e6);
      ${body}`,
  };
}

const config = {
  'web.conf': `service name:web notify:systemd /srv/web.sh -- Web
service name:app notify:none <service/web/ready> /bin/sleep 1000 -- Waits for web
`,
};

for (const suite of suites) {
  test(`through the shim a service on ${suite} is ready, with a status, and a reload does not pause who needs it`, async (t) => {
    t.timeout(120_000);
    await using box = await startFinit(suite, {
      config,
      files: service(
        '--watchdog 10s',
        `watchdog.start();
         let reloads = 0;
         notify.onReload(() => notify.status('reloaded ' + ++reloads));
         notify.status('serving');
         notify.ready();`,
      ),
    });
    const { runDir } = box;
    const web = () => get('web', { runDir });
    const { pid, shim } = await eventually(async () => {
      const found = await web();
      return found.shim?.ready && found;
    });
    t.like(shim, {
      state: 'ready',
      status: 'serving',
      restarts: 0,
      watchdog: { timeout: 10_000, missed: 0 },
    });
    t.is(shim?.shim.pid, pid);
    t.true(existsSync(join(runDir, 'cond/service/web/ready')));
    const app = await eventually(async () => {
      const { pid } = await get('app', { runDir });
      return pid;
    });
    await box.initctl('reload', 'web');
    await eventually(async () => (await web()).shim?.status === 'reloaded 1');
    await eventually(async () => (await box.initctl('cond', 'get', 'service/web/ready')).code === 0);
    t.is((await web()).pid, pid);
    t.like(await get('app', { runDir }), { pid: app, state: 'running' });
  });

  for (const [what, body] of [
    [
      'stops pinging',
      `notify.watchdog(); if (!existsSync('/run/once')) { (await import('node:fs')).writeFileSync('/run/once', ''); } else watchdog.start();`,
    ],
    [
      'blocks its event loop',
      `watchdog.start();
       if (!existsSync('/run/once')) {
         (await import('node:fs')).writeFileSync('/run/once', '');
         setTimeout(() => { for (;;); }, 300);
       }`,
    ],
  ] as const)
    test(`a service on ${suite} that ${what} is restarted by finit`, async (t) => {
      t.timeout(120_000);
      await using box = await startFinit(suite, {
        config,
        files: service('--watchdog 2s', `notify.ready(); ${body}`),
      });
      const { runDir } = box;
      const first = await eventually(async () => (await get('web', { runDir })).pid);
      const again = await eventually(async () => {
        const found = await get('web', { runDir });
        return found.pid !== undefined && found.pid !== first && found.shim?.ready && found;
      });
      t.is(again.shim?.watchdog?.missed, 0);
    });

  test(`a service on ${suite} that asks for more time is left alone`, async (t) => {
    t.timeout(120_000);
    await using box = await startFinit(suite, {
      config,
      files: service(
        '--watchdog 1s',
        `notify.ready(); notify.extendTimeout(60_000); await sleep(3000); notify.status('over');`,
      ),
    });
    const { runDir } = box;
    const found = await eventually(async () => {
      const one = await get('web', { runDir });
      return one.shim?.status === 'over' && one;
    });
    t.like(found.shim, { restarts: 0, watchdog: { missed: 0 } });
    t.is(found.shim?.shim.pid, found.pid);
  });

  test(`SIGKILL of the shim on ${suite} leaves no service behind, and finit starts another`, async (t) => {
    t.timeout(120_000);
    await using box = await startFinit(suite, { config, files: service('', 'notify.ready();') });
    const { runDir } = box;
    const { pid, shim } = await eventually(async () => {
      const found = await get('web', { runDir });
      return found.shim?.ready && found;
    });
    await box.exec(['kill', '-9', String(pid)]);
    const proc = (of: number | undefined) => join(`/proc/${box.pid}/root/proc`, String(of), 'stat');
    await eventually(() => {
      try {
        return readFileSync(proc(shim?.main?.pid), 'utf8').includes(') Z ');
      } catch {
        return true;
      }
    });
    const again = await eventually(async () => {
      const found = await get('web', { runDir });
      return found.shim?.ready && found.pid !== pid && found;
    });
    t.not(again.shim?.main?.pid, shim?.main?.pid);
  });

  test(`the exit status of a service on ${suite} is what finit sees`, async (t) => {
    t.timeout(120_000);
    const one = (name: string, command: string) => ({
      [`/srv/${name}.sh`]: {
        content: `#!/bin/sh\nexec ${SHIM} --identity ${name} --status-dir /run/elsewhere -- ${command}\n`,
        mode: 0o755,
      },
    });
    await using box = await startFinit(suite, {
      config: {
        'ends.conf': ['exit0', 'exit7', 'exit255', 'term', 'segv']
          .map((name) => `task [2345] name:${name} /srv/${name}.sh -- ${name}\n`)
          // As in the documentation: all in the stanza, without the -- that finit would take for the description's.
          .concat(`task [2345] name:direct ${SHIM} --identity direct /bin/sh /srv/exit9.sh -- Its words\n`)
          .join(''),
      },
      files: {
        '/srv/exit9.sh': 'exit 9\n',
        ...one('exit0', '/bin/true'),
        ...one('exit7', `/bin/sh -c 'exit 7'`),
        ...one('exit255', `/bin/sh -c 'exit 255'`),
        ...one('term', `/bin/sh -c 'kill -TERM $$'`),
        ...one('segv', `/bin/sh -c 'kill -SEGV $$'`),
      },
    });
    const { runDir } = box;
    for (const [name, exit] of [
      ['exit0', { code: 0 }],
      ['exit7', { code: 7 }],
      ['exit255', { code: 255 }],
      ['direct', { code: 9 }],
      ['term', { signal: 'SIGTERM' }],
      ['segv', { signal: 'SIGSEGV' }],
    ] as const)
      t.like(
        await eventually(async () => {
          const found = await get(name, { runDir });
          return found.exit !== undefined && found;
        }),
        { exit },
      );
  });
}
