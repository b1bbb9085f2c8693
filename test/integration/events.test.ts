import test, { type ExecutionContext } from 'ava';
import { type EventsOptions, type SystemEvent, watch } from '#src/events/index.js';
import type { Sandbox } from '#src/sandbox/index.js';
import * as services from '#src/services/index.js';
import * as system from '#src/system/index.js';
import { Lines } from '../helpers/lines.js';
import { startSandbox } from '../helpers/slots.js';

const WEB = `service [2345] name:web notify:none /bin/sleep 100000 -- Web\n`;
const DEPENDENT = `service [2345] name:dep notify:none <service/web/ready> /bin/sleep 100001 -- Needs web\n`;

function line(event: SystemEvent): string {
  switch (event.type) {
    case 'service': {
      const crash = event.crash ? ` crash: ${event.crash.reason}` : '';
      return `service ${event.identity} ${event.previous} ${event.state}${crash}`;
    }
    case 'condition':
      return `condition ${event.name} ${event.previous} ${event.state}`;
    case 'reload':
      return `reload ${event.generation}`;
    case 'runlevel':
      return `runlevel ${event.previous} ${event.current}`;
    case 'finit':
      return `finit ${event.state}`;
  }
}

function follow(t: ExecutionContext, box: Sandbox, options: EventsOptions): Lines {
  const lines = new Lines();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void (async () => {
    try {
      for await (const event of watch({ ...options, runDir: box.runDir, signal: stop.signal }))
        lines.add(line(event));
    } catch (error) {
      lines.add(`error ${error}`);
    }
  })();
  return lines;
}

const kill = (box: Sandbox, pid: number | undefined, signal: string) =>
  box.exec(['kill', `-${signal}`, String(pid)], { check: true });

for (const suite of ['forky', 'trixie'])
  test(`on Debian ${suite}: a crash, a stop, a restart and a removal are told apart`, async (t) => {
    await using box = await startSandbox({
      suite,
      config: {
        'web.conf': WEB,
        'dep.conf': DEPENDENT,
        'crashy.conf': `service [2345] name:crashy notify:none restart:2 restart_sec:1 /bin/false -- Crashes\n`,
        'night.conf': `service [3] name:night notify:none /bin/sleep 100002 -- Night\n`,
      },
    });
    const { runDir } = box;
    const get = (name: string) => services.get(name, { runDir });
    const lines = follow(t, box, { services: ['web', 'dep', 'night'] });
    const crashy = follow(t, box, { services: 'crashy' });
    await lines.find(/^service dep (waiting|undefined|starting) running$/);
    await lines.find(/^service night undefined halted$/);

    // Killed: one event, with what killed it, although finit has started it again long before we look.
    let from = lines.count;
    await kill(box, (await get('web')).pid, 'KILL');
    t.is(
      await lines.find(/^service web .*crash/, from),
      'service web running running crash: killed by SIGKILL, restart 1',
    );
    await lines.find(/^service dep .*running$/, from);
    t.false(
      lines.all.slice(from).some((text) => /^service dep .*crash/.test(text)),
      'what finit stopped did not crash',
    );

    from = lines.count;
    await services.stop('web', { runDir });
    await lines.find(/^service web \w+ stopped$/, from);
    await lines.find(/^service dep \w+ waiting$/, from);
    await services.start('web', { runDir });
    await lines.find(/^service web stopped running$/, from);
    await lines.find(/^service dep waiting running$/, from);
    const { pid } = await get('web');
    await services.restart('web', { runDir });
    await lines.find(/^service web (running|stopping|halted|starting) running$/, from);
    t.not((await get('web')).pid, pid);
    t.deepEqual(
      lines.all.slice(from).filter((text) => text.includes('crash')),
      [],
      'no end that was asked for is a crash',
    );

    // Again, so that the count of restarts is not what tells.
    from = lines.count;
    await kill(box, (await get('web')).pid, 'SEGV');
    t.regex(await lines.find(/^service web .*crash/, from), /killed by SIGSEGV/);

    t.regex(
      await crashy.find(/crash: exited with code 1, finit waits before restart \d+$/),
      /^service crashy/,
    );
    await crashy.find(/^service crashy \w+ crashed crash: exited with code 1, finit has given up on it$/);

    from = lines.count;
    await box.removeConfig('dep.conf');
    box.reload();
    await lines.find(/^service dep \w+ removed$/, from);
    await box.writeConfig('dep.conf', DEPENDENT);
    box.reload();
    await lines.find(/^service dep undefined \w+$/, from);
    await lines.find(/^service dep \w+ running$/, from);
  });

test('reloads, runlevels and the end of finit are told', async (t) => {
  const box = await startSandbox({ suite: 'forky', config: { 'web.conf': WEB } });
  t.teardown(() => box.kill());
  const { runDir } = box;
  const lines = follow(t, box, {
    reload: true,
    runlevel: true,
    finit: true,
    conditions: 'service/web/ready',
  });
  await lines.find(/^finit up$/);
  await lines.find(/^runlevel S 2$|^runlevel undefined 2$/);
  await lines.find(/^condition service\/web\/ready (undefined|off|flux) on$/);

  const from = lines.count;
  await system.reload({ runDir });
  await lines.find(/^reload \d+$/);
  await lines.find(/^condition service\/web\/ready on flux$/, from);
  await lines.find(/^condition service\/web\/ready flux on$/, from);

  // No service differs between 2 and 3, so finit leaves no trace of it (4.14).
  await system.setRunlevel(3, { runDir });
  await lines.find(/^runlevel 2 3$/);

  await box.poweroff();
  await lines.find(/^condition service\/web\/ready on off$/);
  await lines.find(/^finit down$/);
  t.false(lines.all.some((text) => text.startsWith('error')));
});

test('twenty streams in a process each hear of a crash once', async (t) => {
  await using box = await startSandbox({ suite: 'forky', config: { 'web.conf': WEB } });
  const all = Array.from({ length: 20 }, () => follow(t, box, { services: 'web' }));
  await Promise.all(all.map((lines) => lines.find(/^service web \w+ running$/)));
  const { pid } = await services.get('web', { runDir: box.runDir });
  await kill(box, pid, 'KILL');
  for (const lines of all) {
    await lines.find(/crash: killed by SIGKILL/);
    t.is(lines.all.filter((text) => text.includes('crash')).length, 1);
  }
});
