// Readiness as finit sees it: a service's condition service/<identity>/ready, and what waits for that.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { list } from '#src/services/index.js';
import { eventually, PROJECT, startFinit, suites } from '../helpers/real-finit.js';

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

for (const suite of suites) {
  test(`ready() on ${suite} starts what waits for it, and a status before or after changes nothing`, async (t) => {
    await using box = await startFinit(suite, {
      config: { 'web.conf': config },
      files: { '/srv/service.mjs': service },
    });
    const { runDir } = box;
    const condition = join(runDir, 'cond/service/web/ready');
    const said = () => box.exec(['cat', '/run/web']).then(({ stdout }) => stdout.split(' '));
    // finit 4.13 and later drop a status; 4.12 would take it for READY=1, so it is not sent.
    const status = Number.parseFloat(box.version.slice(2)) >= 13 ? 'sent' : 'not-understood';

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

  test(`a service on ${suite} that nobody asked for readiness is not supervised`, async (t) => {
    await using box = await startFinit(suite, {
      config: { 'web.conf': 'service name:web notify:none /usr/bin/node /srv/service.mjs web -- Web\n' },
      files: { '/srv/service.mjs': service, '/run/go': '' },
    });
    const said = await eventually(async () => {
      const { stdout } = await box.exec(['cat', '/run/web']);
      return stdout.split(' ').length === 3 && stdout;
    });
    t.is(said, 'not-supervised not-supervised not-supervised');
  });

  test(`the descendants of a service on ${suite} can say that it is ready`, async (t) => {
    await using box = await startFinit(suite, {
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
