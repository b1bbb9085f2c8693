// The hand-over of finit's own watchdogd. A sandbox has no /dev/watchdog, so another program has its name; with a driver: npm run test:qemu.
import test from 'ava';
import * as services from '#src/services/index.js';
import { giveWatchdogTo } from '#src/transport/index.js';
import { boot, suites } from '../helpers/box.js';
import { eventually } from '../helpers/real-finit.js';

const config = {
  'own.conf':
    'service [S12345] notify:none name:watchdog :finit /bin/sleep 100000 -- Instead of the watchdogd of finit\n',
  'ours.conf': 'service [12345] notify:none name:ours /bin/sleep 100000 -- Takes over\n',
};

for (const { suite, finit } of suites)
  test(`finit ${finit} ends its own watchdogd for one of its services, and for nobody else`, async (t) => {
    const { runDir } = await boot(t, { suite, config });
    const pidOf = async (name: string) => (await services.get(name, { runDir }))?.pid;
    const ours = await eventually(() => pidOf('ours'));
    const own = await eventually(() => pidOf('watchdog:finit'));

    await giveWatchdogTo(99_999, { runDir });
    t.is(await pidOf('watchdog:finit'), own);

    await giveWatchdogTo(ours, { runDir });
    await eventually(async () => (await services.get('watchdog:finit', { runDir })).state === 'stopped');
    t.is(await pidOf('ours'), ours);
    // It is no error that there is nothing to be done.
    await giveWatchdogTo(ours, { runDir });
    t.is(await pidOf('ours'), ours);
  });
