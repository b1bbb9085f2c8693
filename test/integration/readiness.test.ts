// Readiness as finit sees it: a service's condition service/<identity>/ready, and what waits for that.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compareVersions } from '#src/protocol/version.js';
import { get, list } from '#src/services/index.js';
import { withNotify, withoutNotify } from '../helpers/finits.js';
import { eventually, PROJECT, startFinit } from '../helpers/real-finit.js';
import { behindShim, SHIM, serviceIn } from '../helpers/shim-box.js';

const notify = `${PROJECT}/dist/notify/index.js`;
const long = 'a text that is much longer than the 31 bytes that finit reads of each message';

/** A service that does what it is told, by files in /run/orders, and writes down what came of it. */
const service = `
import { ready, status, stopping } from '${notify}';
import { existsSync, writeFileSync } from 'node:fs';
const results = [];
const note = (result) => {
  results.push(result.outcome === 'failed' ? result.error.code : result.outcome);
  writeFileSync('/run/' + process.argv[2], results.join(' '));
};
note(status('${long}'));
const timer = setInterval(() => {
  if (!existsSync('/run/go')) return;
  clearInterval(timer);
  note(ready());
  note(status('${long}'));
}, 20);
process.on('SIGHUP', () => {
  note(ready());
  note(status('${long}'));
});
process.on('SIGTERM', () => {
  note(stopping());
  process.exit();
});
setInterval(() => {}, 1e6);
`;

const config = `
service name:web notify:systemd /usr/bin/node /srv/service.mjs web -- Web
service name:app notify:none <service/web/ready> /bin/sleep 1000 -- Waits for web
`;

for (const finit of withNotify) {
  test(`ready() on ${finit} starts what waits for it, and a status before or after changes nothing`, async (t) => {
    await using box = await startFinit(finit, {
      config: { 'web.conf': config },
      files: { '/srv/service.mjs': service },
    });
    const { runDir } = box;
    const condition = join(runDir, 'cond/service/web/ready');
    const said = () => box.exec(['cat', '/run/web']).then(({ stdout }) => stdout.split(' '));
    // finit 4.13 and later drop a status; 4.12 would take it for READY=1, so it is not sent.
    const status = compareVersions(box.version, '4.13') >= 0 ? 'sent' : 'not-understood';

    await eventually(async () => (await said())[0] === status);
    await box.exec(['sleep', '0.3']);
    t.false(existsSync(condition), 'a status does not make it ready');
    const waiting = (await list({ runDir })).find(({ identity }) => identity === 'app');
    t.like(waiting, {
      state: 'waiting',
      conditions: [{ name: 'service/web/ready', state: 'off' }],
      pid: undefined,
    });

    await box.exec(['touch', '/run/go']);
    await eventually(() => existsSync(condition));
    const app = await eventually(async () =>
      (await list({ runDir })).find(({ identity, pid }) => identity === 'app' && pid),
    );
    t.is(app.state, 'running');
    t.deepEqual(await said(), [status, 'sent', status]);

    // A reload sends SIGHUP to a service whose stanza has changed, and waits for its READY=1 again.
    await box.exec(['initctl', 'touch', 'web.conf']);
    await box.exec(['initctl', 'reload']);
    await eventually(async () => (await said()).length === 5);
    t.deepEqual(await said(), [status, 'sent', status, 'sent', status]);
    await eventually(async () => (await box.initctl('cond', 'get', 'service/web/ready')).code === 0);

    await box.exec(['initctl', 'stop', 'web']);
    await eventually(async () => (await said()).length === 6);
    t.is((await said())[5], status);
  });

  test(`a service on ${finit} that nobody asked for readiness is not supervised`, async (t) => {
    await using box = await startFinit(finit, {
      config: { 'web.conf': 'service name:web notify:none /usr/bin/node /srv/service.mjs web -- Web\n' },
      files: { '/srv/service.mjs': service },
    });
    // 4.4 mounts another /run at its start.
    await box.exec(['touch', '/run/go']);
    const said = await eventually(async () => {
      const { stdout } = await box.exec(['cat', '/run/web']);
      return stdout.split(' ').length === 3 && stdout;
    });
    t.is(said, 'not-supervised not-supervised not-supervised');
  });

  test(`ready() on ${finit} with notify:s6 goes through the pipe of %n, and a status does not`, async (t) => {
    await using box = await startFinit(finit, {
      config: { 'web.conf': config.replace('systemd', 's6').replace(' web --', ' web --s6-fd %n --') },
      files: { '/srv/service.mjs': service },
    });
    const { runDir } = box;
    const condition = join(runDir, 'cond/service/web/ready');
    const said = () => box.exec(['cat', '/run/web']).then(({ stdout }) => stdout);
    await eventually(async () => (await said()) === 'not-understood');
    await box.exec(['sleep', '0.3']);
    t.false(existsSync(condition));
    t.like(await get('app', { runDir }), { state: 'waiting', pid: undefined });

    await box.exec(['touch', '/run/go']);
    await eventually(() => existsSync(condition));
    await eventually(async () => (await get('app', { runDir })).state === 'running');
    await eventually(async () => (await said()) === 'not-understood sent not-understood');
  });

  test(`the descendants of a service on ${finit} can say that it is ready`, async (t) => {
    await using box = await startFinit(finit, {
      config: { 'web.conf': 'service name:web notify:systemd /srv/parent.sh -- Web\n' },
      files: {
        '/srv/parent.sh': { content: '#!/bin/sh\n/usr/bin/node /srv/child.mjs\nsleep 1000\n', mode: 0o755 },
        '/srv/child.mjs': `
          import { ready } from '${notify}';
          import { renameSync, writeFileSync } from 'node:fs';
          import { execFileSync } from 'node:child_process';
          const ours = ready();
          const script = 'import("${notify}").then(({ ready }) => console.log(JSON.stringify(ready())))';
          const theirs = JSON.parse(execFileSync('/usr/bin/node', ['-e', script], { encoding: 'utf8' }));
          writeFileSync('/run/web.tmp', [ours, theirs].map(({ outcome, error }) => error?.code ?? outcome).join(' '));
          renameSync('/run/web.tmp', '/run/web');`,
      },
    });
    await eventually(() => existsSync(join(box.runDir, 'cond/service/web/ready')));
    const said = await eventually(async () => (await box.exec(['cat', '/run/web'])).stdout || undefined);
    t.is(said, 'sent sent');
  });
}

for (const finit of withoutNotify)
  test(`the finit of ${finit} has no notify: who waits for a service waits for its PID file, with the shim or without`, async (t) => {
    // The service that is what the shim's stanza is for 4.4 and later: here the first word is taken for the program.
    const newer = `service name:newer notify:systemd ${SHIM} --identity newer /usr/bin/node /srv/service.mjs newer -- Newer\n`;
    const needs = (name: string) =>
      `service name:needs-${name} <pid/${name}> /srv/needs-${name} -- Needs ${name}\n`;
    const sleeper = { content: '#!/bin/sh\nexec sleep 1000\n', mode: 0o755 };
    await using box = await startFinit(finit, {
      config: {
        'web.conf': 'service name:web /usr/bin/node /srv/service.mjs web -- Web\n',
        'behind.conf': 'service name:behind /srv/behind.sh -- Behind the shim\n',
        'newer.conf': newer,
        'needs.conf': needs('web') + needs('behind'),
      },
      files: {
        '/srv/service.mjs': service,
        ...behindShim('behind', '', '/usr/bin/node /srv/service.mjs behind'),
        '/srv/needs-web': sleeper,
        '/srv/needs-behind': sleeper,
      },
    });
    const { runDir } = box;
    await box.exec(['touch', '/run/go']);
    const said = (name: string) => box.exec(['cat', `/run/${name}`]).then(({ stdout }) => stdout);
    await eventually(async () => (await said('web')) === 'not-supervised not-supervised not-supervised');
    // The shim tells it apart; finit is told nothing.
    await eventually(async () => (await said('behind')) === 'sent sent sent');
    await serviceIn(box, 'behind', ({ shim }) => shim?.ready && shim.status === long);
    for (const name of ['web', 'behind']) {
      const { pid } = await get(name, { runDir });
      t.like(await get(`needs-${name}`, { runDir }), { pid: undefined });
      await box.exec(['sh', '-c', `echo ${pid} >/run/${name}.pid`]);
      await serviceIn(box, `needs-${name}`, ({ state }) => state === 'running');
    }
    t.like(await get('newer', { runDir }), { state: 'missing', pid: undefined });
  });
