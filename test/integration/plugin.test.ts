import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { get, wait, watch } from '#src/conditions/index.js';
import { boundApi } from '#src/plugin/context.js';
import { compareVersions } from '#src/protocol/version.js';
import * as services from '#src/services/index.js';
import { logsOutput, whereIs, withNotify } from '../helpers/finits.js';
import { Lines } from '../helpers/lines.js';
import { projectRoot } from '../helpers/project.js';
import { startSandbox } from '../helpers/slots.js';

const SYSLOGD = `service [S12345] name:syslogd notify:none /sbin/syslogd -n -O /run/messages -- System log\n`;
const PLUGIN = '/etc/finit/plugins';

const OPEN = `
import { definePlugin, type PluginContext } from 'node-finit';

export default definePlugin({
  name: 'open-for-business',
  setup({ on, conditions, log }: PluginContext): void {
    on('condition', 'service/web/running', async ({ state }) => {
      if (state === 'on') await conditions.set('open-for-business');
      if (state === 'off') await conditions.clear('open-for-business');
    });
    on('service', 'web', ({ crash }) => {
      if (crash) log.warn(\`web crashed: \${crash.reason}\`);
    });
  },
});
`;

/** Each throws in its way when web becomes ready, or at once. */
const BAD: Record<string, string> = {
  'bad-syntax.ts': `export default {{`,
  'bad-load.mjs': `throw new Error('at load');`,
  'bad-setup.ts': `export default { name: 'bad-setup', setup(): void { throw new Error('in setup'); } };`,
  'bad-timer.ts': `export default { name: 'bad-timer', setup({ on }: any) {
    on('condition', 'service/web/running', () => { setTimeout(() => { throw new Error('in a timer'); }, 1); }); } };`,
  'bad-promise.ts': `export default { name: 'bad-promise', setup({ on }: any) {
    on('service', 'web', () => { void Promise.reject(new Error('unheard')); }); } };`,
  'bad-handler.cjs': `const { definePlugin } = require('node-finit'); module.exports = definePlugin({ name: 'bad-handler', setup({ on }) {
    on('condition', 'service/web/running', async () => { throw new Error('in a handler'); }); } });`,
  'bad-service.ts': `export default { name: 'bad-service', async setup({ services }: any) { await services.get('no-such'); } };`,
};

for (const finit of withNotify.filter(logsOutput))
  test(`on the finit of ${finit}: plugins that throw in every way stand next to one that does its work`, async (t) => {
    const files = Object.fromEntries(
      Object.entries({ ...BAD, 'open.ts': OPEN }).map(([name, text]) => [`${PLUGIN}/${name}`, text]),
    );
    const list = Object.keys(files).join(' ');
    // One line is one stanza, and finit takes some 250 characters of arguments.
    files['/usr/bin/plugins'] =
      `#!/bin/sh\nexec /usr/bin/node /opt/node-finit/dist/cli/main.js plugin run --priority ${list}\n`;
    await using box = await startSandbox({
      ...whereIs(finit),
      mounts: { '/opt/node-finit': projectRoot },
      files: {
        ...files,
        '/usr/bin/plugins': { content: files['/usr/bin/plugins'], mode: 0o755 },
      },
      config: {
        'syslogd.conf': SYSLOGD,
        'web.conf': `service [2345] name:web notify:none /bin/sleep 100000 -- Web\n`,
        'plugins.conf': `service [2345] name:plugins notify:systemd log:prio:daemon.info,tag:plugins /usr/bin/plugins -- Plugins\n`,
        'shop.conf': `service [2345] name:shop notify:none <usr/open-for-business> /bin/sleep 100001 -- Shop\n`,
      },
    });
    const { runDir } = box;
    const log = new Lines();
    const tail = box.spawn(['tail', '-n', '+1', '-F', '/run/messages'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.teardown(() => tail.kill());
    let rest = '';
    tail.stdout?.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) log.add(part);
    });

    await wait(['service/plugins/ready', 'usr/open-for-business', 'service/shop/running'], { runDir });
    for (const said of [
      /bad-syntax: error: loading failed, the plugin has ended: FinitError: plugin \/etc\/finit\/plugins\/bad-syntax\.ts: it does not compile/,
      /bad-load: error: loading failed.*at load/,
      /bad-setup: error: setup failed.*in setup/,
      /bad-timer: error: an error was thrown that nothing caught, the plugin has ended: Error: in a timer/,
      /bad-promise: error: a promise was rejected and nothing heard it, the plugin has ended: Error: unheard/,
      /bad-handler: error: its handler of condition service\/web\/running \(on\) failed: Error: in a handler/,
      /bad-service: error: setup failed.*no-such/,
    ])
      t.truthy(await log.find(said));
    // 4.12's logit knows nothing of priorities in the text.
    t.regex(
      await log.find(/bad-setup: error/),
      compareVersions(box.version, '4.13') >= 0
        ? /daemon\.err plugins: bad-setup/
        : /daemon\.info plugins: <3>bad-setup/,
    );

    const { pid: host } = await services.get('plugins', { runDir });
    const { pid: web } = await services.get('web', { runDir });
    const from = log.count;
    await box.exec(['kill', '-KILL', String(web)], { check: true });
    await log.find(/open-for-business: warning: web crashed: killed by SIGKILL, restart 1/, from);
    await log.find(/bad-handler: error: its handler/, from);
    await wait(['usr/open-for-business', 'service/shop/running'], { runDir });

    await services.stop('web', { runDir });
    await wait('usr/open-for-business', { runDir, state: 'off' });
    await wait('service/shop/running', { runDir, state: 'off' });
    t.is((await services.get('plugins', { runDir })).pid, host, 'it is the same process all the time');

    await services.stop('plugins', { runDir });
    await log.find(/node-finit: SIGTERM, stopping/);
    await wait('service/plugins/stopped', { runDir });
    // A code of 0 is not told from no end at all; a signal or another code would be there.
    t.is((await services.get('plugins', { runDir })).exit, undefined);
  });

for (const finit of withNotify)
  test(`on the finit of ${finit}: the host becomes ready once all plugins are set up, and again after SIGHUP`, async (t) => {
    const slow = `export default { name: 'slow', async setup({ conditions }: any) { await conditions.wait('usr/go'); } };`;
    await using box = await startSandbox({
      ...whereIs(finit),
      mounts: { '/opt/node-finit': projectRoot },
      files: { [`${PLUGIN}/slow.ts`]: slow, [`${PLUGIN}/open.ts`]: OPEN },
      config: {
        'web.conf': `service [2345] name:web notify:none /bin/sleep 100000 -- Web\n`,
        'plugins.conf': `service [2345] name:plugins notify:systemd /usr/bin/node /opt/node-finit/dist/cli/main.js plugin run ${PLUGIN}/slow.ts ${PLUGIN}/open.ts -- Plugins\n`,
        'needs.conf': `service [2345] name:needs notify:none <service/plugins/ready> /bin/sleep 100001 -- Needs plugins\n`,
      },
    });
    const { runDir } = box;
    // The other plugin works already.
    await wait('usr/open-for-business', { runDir });
    t.is(await get('service/plugins/ready', { runDir }), 'off');
    await box.exec(['initctl', 'cond', 'set', 'go'], { check: true });
    await wait(['service/plugins/ready', 'service/needs/running'], { runDir });

    const { pid } = await services.get('plugins', { runDir });
    const changes = watch('service/plugins/ready', { runDir });
    t.is((await changes.next()).value?.state, 'on');
    // Touched, so that the reload sends it SIGHUP.
    const { stdout: stanza } = await box.exec(['cat', '/etc/finit.d/plugins.conf'], { check: true });
    await box.writeConfig('plugins.conf', stanza);
    box.reload();
    t.is((await changes.next()).value?.state, 'flux');
    t.is((await changes.next()).value?.state, 'on');
    await changes.return?.();
    t.is((await services.get('plugins', { runDir })).pid, pid, 'it was not restarted');
    await wait('service/needs/running', { runDir });
    const needs = await services.get('needs', { runDir });
    const { stdout: status } = await box.exec(['cat', `/proc/${needs.pid}/status`], { check: true });
    t.notRegex(status, /State:\s+T/, 'what needs it is not left paused');
  });

test('what a plugin waits for is over when the plugin ends', async (t) => {
  await using box = await startSandbox({
    suite: 'forky',
    config: {
      'test.conf': `service name:plain manual:yes notify:none /bin/sleep 1000 -- Plain
service name:mute manual:yes notify:systemd /bin/sleep 1001 -- Never says that it is ready
`,
    },
  });
  const lifetime = new AbortController();
  const { services: bound } = boundApi(box.runDir, lifetime.signal);
  await bound.start('plain', { wait: true });
  const { pid = 0 } = await bound.get('plain');
  t.is((await bound.findByPid(pid))?.identity, 'plain');
  await bound.signal('plain', 'SIGCONT');
  t.like(await bound.explain('mute'), { ok: false, state: 'stopped' });
  const mute = t.throwsAsync(bound.start(['mute', 'plain'], { wait: true }), { code: 'FINIT_ABORTED' });
  while ((await bound.get('mute')).state !== 'running') await sleep(20);
  lifetime.abort();
  await mute;
});
