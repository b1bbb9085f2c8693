// What finit itself does to its conditions.
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { clear, get, list, set, wait, watch } from '#src/conditions/index.js';
import { isFinitError } from '#src/errors.js';
import { restart } from '#src/services/index.js';
import { reload } from '#src/system/index.js';
import { boot, READY_SERVICE, suites } from '../helpers/box.js';

const files = { '/srv/ready.js': READY_SERVICE, '/srv/package.json': '{"type":"module"}' };
const web = 'service [234] name:web notify:systemd /usr/bin/node /srv/ready.js -- Web\n';
const needs = (name: string, condition: string): string =>
  `service [234] name:${name} <${condition}> notify:none /bin/sleep 10000 -- Needs ${condition}\n`;

/** Collects the changes of a pattern, and waits until they are as wanted; the watch ends with that. */
function record(pattern: string, runDir: string) {
  const seen: string[] = [];
  const waiters = new Set<() => void>();
  const controller = new AbortController();
  const done = (async () => {
    for await (const { state, generation } of watch(pattern, { runDir, signal: controller.signal })) {
      seen.push(`${state} ${generation}`);
      for (const check of waiters) check();
    }
  })();
  return {
    seen,
    end: () => {
      controller.abort();
      return done;
    },
    until: (wanted: (seen: string[]) => boolean) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (!wanted(seen)) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
  };
}

for (const { suite, finit } of suites) {
  test(`what is set in usr/ starts what needs it, and clearing it stops that, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite, config: { 'a.conf': needs('shop', 'usr/open') } });
    const { runDir } = box;
    t.is(box.version, finit);
    t.is(await get('open', { runDir }), 'off');
    t.is((await box.initctl('cond', 'get', 'open')).code, 1);
    await set('open', { runDir });
    t.is(await get('usr/open', { runDir }), 'on');
    t.is((await box.initctl('cond', 'get', 'open')).code, 0);
    await wait('service/shop/running', { runDir, timeout: 60_000 });
    await clear('open', { runDir });
    await wait('service/shop/running', { runDir, timeout: 60_000, state: 'off' });
    t.is((await box.initctl('cond', 'get', 'open')).code, 1);
  });

  test(`what initctl sets is seen, and what initctl shows is what we list, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite, config: { 'a.conf': needs('shop', 'usr/open') } });
    const { runDir } = box;
    const open = wait('open', { runDir, timeout: 60_000 });
    await box.initctl('cond', 'set', 'open');
    await open;
    await wait(['service/shop/running', 'service/shop/ready'], { runDir, timeout: 60_000 });
    const ours = (await list('**', { runDir })).map(({ name, state }) => `${name} ${state}`).sort();
    const dump: { condition: string; status: string }[] = JSON.parse(
      (await box.initctl('-j', 'cond', 'dump')).stdout,
    );
    t.deepEqual(
      ours,
      dump
        .filter(({ status }) => status !== 'off')
        .map(({ condition, status }) => `${condition} ${status}`)
        .sort(),
    );
  });

  test(`a wait runs out or is aborted on a finit that goes on, and says what it last saw, on finit ${finit}`, async (t) => {
    const { runDir } = await boot(t, { suite });
    const late = await t.throwsAsync(wait('service/nobody/ready', { runDir, timeout: 50 }));
    t.true(isFinitError(late, 'FINIT_TIMEOUT') && late.lastState === 'off');
    const controller = new AbortController();
    const waiting = t.throwsAsync(wait('service/nobody/ready', { runDir, signal: controller.signal }));
    await delay(10);
    controller.abort(new Error('enough'));
    t.true(isFinitError(await waiting, 'FINIT_ABORTED'));
    t.is(await get('nobody', { runDir }), 'off');
  });

  test(`a reload is seen as flux and back, with the next generation, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite, files, config: { 'web.conf': web } });
    const { runDir } = box;
    await wait('service/web/ready', { runDir, timeout: 60_000 });
    const { seen, until, end } = record('service/web/ready', runDir);
    for (let generation = 2; generation <= 4; generation++) {
      await box.initctl('reload');
      await until((all) => all.at(-1) === `on ${generation}`);
    }
    await end();
    t.deepEqual(seen, ['on 1', 'flux 2', 'on 2', 'flux 3', 'on 3', 'flux 4', 'on 4']);
  });

  test(`readiness is seen to go and come with each of 20 restarts, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite, files, config: { 'web.conf': web } });
    const { runDir } = box;
    await wait('service/web/ready', { runDir, timeout: 60_000 });
    const { seen, until, end } = record('service/web/ready', runDir);
    for (let times = 1; times <= 20; times++) {
      await restart('web', { runDir });
      await until((all) => all.length >= 1 + 2 * times && (all.at(-1) ?? '').startsWith('on'));
    }
    await end();
    t.deepEqual(
      seen.map((change) => change.split(' ')[0]),
      ['on', ...Array.from({ length: 20 }, () => ['off', 'on']).flat()],
    );
  });

  test(`a service that comes and goes by its .conf is waited for and followed, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite, files });
    const { runDir } = box;
    const { until, end } = record('service/web/*', runDir);
    const ready = wait('service/web/ready', { runDir, timeout: 60_000 });
    await box.writeConfig('web.conf', web);
    await reload({ runDir });
    await ready;
    await box.removeConfig('web.conf');
    await reload({ runDir });
    await wait(['service/web/ready', 'service/web/running'], { runDir, timeout: 60_000, state: 'off' });
    await until((all) => all.at(-1)?.startsWith('off') ?? false);
    await end();
    t.pass();
  });

  test(`a watch and a wait on a finit that is killed end with FINIT_NOT_RUNNING, on finit ${finit}`, async (t) => {
    const box = await boot(t, { suite });
    const { runDir } = box;
    const waiting = t.throwsAsync(wait('never', { runDir }));
    const states = new Map<string, string>();
    const watching = t.throwsAsync(async () => {
      for await (const { name, state } of watch('**', { runDir })) states.set(name, state);
    });
    await delay(50);
    await box.kill();
    t.true(isFinitError(await waiting, 'FINIT_NOT_RUNNING'));
    t.true(isFinitError(await watching, 'FINIT_NOT_RUNNING'));
    t.true(states.size > 0);
    t.deepEqual(
      [...states.values()].filter((state) => state !== 'off'),
      [],
    );
  });
}

test('an ordinary user may look at conditions and not set them', async (t) => {
  const box = await boot(t, { suite: 'forky' });
  const script = `
    import { conditions } from 'node-finit';
    process.setgid(65534); process.setuid(65534);
    console.log(await conditions.get('open'));
    console.log((await conditions.list('service/keventd/*')).length > 0);
    await conditions.set('open').catch((error) => console.log(error.code, error.message));
  `;
  const { stdout, stderr } = await box.exec(['node', '--input-type=module', '-e', script], { cwd: '/srv' });
  t.is(
    stdout,
    'off\ntrue\nFINIT_ACCESS_DENIED <usr/open> cannot be changed: no permission to write /run/finit/cond/usr. Run as root\n',
    stderr,
  );
});
