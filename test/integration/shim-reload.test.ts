// Reloads of services behind finit-shim on a real finit: what depends on them is paused for no longer than the reload, and runs on.
import test from 'ava';
import * as conditions from '#src/conditions/index.js';
import type { Sandbox } from '#src/sandbox/index.js';
import { withNotify } from '../helpers/finits.js';
import { eventually } from '../helpers/real-finit.js';
import {
  dependant,
  nodeBehindShim,
  processState,
  serviceIn,
  sharedBoxes,
  stanza,
  touchAndReload,
} from '../helpers/shim-box.js';

/** Services that reload in different ways, for as long as /run/wait-NAME is there, and write a line into /run/NAME for each time. */
const KINDS = {
  speaks: {
    title: 'that announces its reloads',
    files: nodeBehindShim(
      'speaks',
      '',
      `notify.onReload(async () => {
         while (existsSync('/run/wait-speaks')) await sleep(20);
         writeFileSync('/run/speaks', 'reloaded\\n', { flag: 'a' });
       });
       notify.ready();`,
    ),
    held: ['reloading'],
    // Was it slow to announce the first one, then finit has been told meanwhile.
    meanwhile: ['paused', 'running'],
  },
  silent: {
    title: 'that says nothing of reloads',
    files: nodeBehindShim(
      'silent',
      '',
      `process.on('SIGHUP', () => writeFileSync('/run/silent', 'reloaded\\n', { flag: 'a' }));
       notify.ready();`,
    ),
    // Nobody knows how long that takes.
    held: ['reloading', 'ready'],
    meanwhile: ['paused', 'running'],
  },
  command: {
    title: 'with --reload-command',
    files: {
      ...nodeBehindShim('command', `--reload-command '. /srv/reload.sh'`, 'notify.ready();'),
      '/srv/reload.sh': `while [ -e /run/wait-command ]; do sleep 0.1; done
kill -0 $MAINPID && echo reloaded >>/run/command
`,
    },
    held: ['reloading'],
    meanwhile: ['paused'],
  },
  restart: {
    title: 'with --reload-restart',
    files: nodeBehindShim(
      'restart',
      '--reload-restart',
      `while (existsSync('/run/wait-restart')) await sleep(20);
       if (existsSync('/run/started')) writeFileSync('/run/restart', 'reloaded\\n', { flag: 'a' });
       writeFileSync('/run/started', '');
       notify.ready();`,
    ),
    held: ['restarting', 'starting'],
    meanwhile: ['paused'],
  },
};
const names = Object.keys(KINDS);

const boxOf = sharedBoxes(
  test,
  {
    files: Object.assign({}, ...Object.values(KINDS).map(({ files }) => files)),
    config: {
      ...Object.fromEntries(names.map((name) => [`${name}.conf`, stanza(name)])),
      // In a file of their own, so that touching the others' leaves them alone.
      'needs.conf': names.map(dependant).join(''),
    },
  },
  withNotify,
);

/** Waits until a service is ready for finit and what needs it runs. */
async function ready(box: Sandbox, name: string): Promise<{ pid: number; needs: number }> {
  const { pid } = await serviceIn(box, name, ({ shim }) => shim?.state === 'ready');
  await conditions.wait(`service/${name}/ready`, { runDir: box.runDir, timeout: 60_000 });
  const needs = await serviceIn(
    box,
    `needs-${name}`,
    (service) => service.state === 'running' && service.pid && processState(box, service.pid) !== 'T',
  );
  return { pid: pid ?? 0, needs: needs.pid ?? 0 };
}

const reloads = async (box: Sandbox, name: string) =>
  (await box.exec(['cat', `/run/${name}`])).stdout.split('\n').length - 1;

for (const finit of withNotify) {
  for (const [name, { title, held, meanwhile }] of Object.entries(KINDS))
    test.serial(`on ${finit}, what needs a service ${title} runs on as soon as that is over`, async (t) => {
      const box = boxOf(t, finit);
      const before = await ready(box, name);
      t.is(await reloads(box, name), 0);

      // Twice: the shim learns from the first one whether the service speaks of its reloads.
      for (let round = 1; round <= 2; round++) {
        await box.exec(['touch', `/run/wait-${name}`]);
        await touchAndReload(box, name);
        await serviceIn(box, name, ({ shim }) => shim !== undefined && held.includes(shim.state));
        const needs = await serviceIn(box, `needs-${name}`, ({ state }) => meanwhile.includes(state));
        t.is(needs.pid, before.needs);
        // finit has sent SIGSTOP; the process takes it when it gets to run.
        if (meanwhile.length === 1) await eventually(() => processState(box, before.needs) === 'T');
        await box.exec(['rm', `/run/wait-${name}`]);
        await eventually(async () => (await reloads(box, name)) === round);
        t.deepEqual(await ready(box, name), before);
      }

      // initctl's reload of one service sends SIGHUP, and finit waits for nothing.
      await box.initctl('reload', name);
      await eventually(async () => (await reloads(box, name)) === 3);
      t.deepEqual(await ready(box, name), before);
    });

  test.serial(
    `on ${finit}, a reload of all leaves nothing paused, whether anything has changed or all`,
    async (t) => {
      const box = boxOf(t, finit);
      const before = await Promise.all(names.map((name) => ready(box, name)));
      const counts = () => Promise.all(names.map((name) => reloads(box, name)));
      const counted = await counts();
      await touchAndReload(box);
      t.deepEqual(await Promise.all(names.map((name) => ready(box, name))), before);
      t.deepEqual(await counts(), counted);

      await touchAndReload(box, ...names);
      await eventually(async () => (await counts()).every((count, i) => count === (counted[i] ?? 0) + 1));
      t.deepEqual(await Promise.all(names.map((name) => ready(box, name))), before);
    },
  );
}
