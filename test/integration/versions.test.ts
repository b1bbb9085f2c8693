// Every finit that is at hand: Debian's, or those of NODE_FINIT_TEST_ROOTS (CONTRIBUTING.md).
import test from 'ava';
import { clear, get as condition, set } from '#src/conditions/index.js';
import { compareVersions } from '#src/protocol/version.js';
import { explain, get, list, restart, signal, start, stop } from '#src/services/index.js';
import { info, plugins, reload, runlevel, setRunlevel } from '#src/system/index.js';
import { finits } from '../helpers/finits.js';
import { eventually, startFinit } from '../helpers/real-finit.js';

// A program each: 4.2 takes two services with one program for one.
const programs = ['web', 'other', 'needy', 'night', 'more'];
const files = Object.fromEntries(
  programs.map((name) => [`/srv/${name}`, { content: '#!/bin/sh\nexec sleep 1000\n', mode: 0o755 }]),
);
const config = `
service name:web /srv/web -- Web
service name:other :2 /srv/other -- "Quoted"
service name:needy <usr/open> /srv/needy -- Waits
service [3] name:night /srv/night -- In runlevel 3
task name:bad /bin/false -- Fails
`;

for (const name of finits) {
  test(`the finit of ${name}: what there is, orders, conditions, runlevels, and its end`, async (t) => {
    t.timeout(120_000);
    await using box = await startFinit(name, { files, config: { 'test.conf': config } });
    const options = { runDir: box.runDir };
    const about = await info(options);
    t.true(about.candidates.includes(box.version) || about.version === box.version, JSON.stringify(about));
    const old = compareVersions(box.version, '4.4') < 0;

    // What its own initctl shows, in its words.
    await eventually(async () => ['done', 'failed'].includes((await get('bad', options)).state));
    const shown = async () => {
      const initctl = await box.exec(['sh', '-c', 'PATH=$PATH:/lib/finit initctl -b -p -t status']);
      return initctl.stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).slice(0, 3).join(' '));
    };
    await eventually(async () => {
      const ours = (await list(options)).map(
        ({ pid = 0, identity, state }) => `${pid} ${identity} ${state.slice(0, 8)}`,
      );
      return ours.join('\n') === (await shown()).join('\n');
    });

    const before = await get('web', options);
    t.truthy(before.pid);
    await stop('web', { ...options, wait: true });
    t.is((await get('web', options)).state, 'stopped');
    await start('web', { ...options, wait: 'running' });
    await restart('web', { ...options, wait: 'running' });
    t.not((await get('web', options)).pid, before.pid);
    await t.throwsAsync(start('nobody', options), { code: 'FINIT_UNKNOWN_SERVICE' });
    if (compareVersions(box.version, '4.3') < 0)
      await t.throwsAsync(signal('web', 'SIGCONT', options), { code: 'FINIT_UNSUPPORTED' });
    else await signal('web', 'SIGCONT', options);
    if (old) await t.throwsAsync(plugins(options), { code: 'FINIT_UNSUPPORTED' });
    else t.true((await plugins(options)).length > 0);

    t.like(await get('needy', options), {
      effectiveState: 'waiting',
      conditions: [{ name: 'usr/open', state: 'off' }],
    });
    t.like((await explain('needy', options)).reasons[0], { kind: 'condition' });
    await set('open', options);
    await eventually(async () => (await get('needy', options)).state === 'running');
    t.is(await condition('open', options), 'on');
    await clear('open', options);
    await eventually(async () => (await get('needy', options)).effectiveState === 'waiting');

    await box.writeConfig('more.conf', 'service name:more /srv/more -- More\n');
    await reload(options);
    await eventually(async () => (await list(options)).some(({ name }) => name === 'more'));
    t.is((await runlevel(options)).current, 2);
    await setRunlevel(3, options);
    await eventually(async () => (await get('night', options)).state === 'running');
    t.like(await runlevel(options), { current: 3 });
    await box.poweroff();
    await t.throwsAsync(list(options), { code: 'FINIT_NOT_RUNNING' });
  });
}
