// The bus of a real finit 5. No suite of Debian's has one: NODE_FINIT_TEST_FINIT5 names a tree, see CONTRIBUTING.md.
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect as connectStream, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import * as events from '#src/events/index.js';
import type { Sandbox } from '#src/sandbox/index.js';
import * as services from '#src/services/index.js';
import * as system from '#src/system/index.js';
import { type BusSignal, connect, watchBus } from '#src/transport/index.js';
import { boot, finit5Root, PACKAGE_IN_BOX } from '../helpers/box.js';
import { Lines } from '../helpers/lines.js';
import { eventually } from '../helpers/real-finit.js';

const test = finit5Root ? anyTest : anyTest.skip;

const CONFIG = `
service [2345] name:web /bin/sleep 1000 -- Say "hi" \\ & 'x'
service [2345] name:pair :1 restart:always /bin/sleep 1001 -- first
service [2345] name:pair :2 manual:yes /bin/sleep 1002 -- second
service [2345] name:q-u.o_t /bin/sh /srv/idle.sh 'a b' "c d  e" -- with quotes
service [2345] <usr/never,pid/web> name:waits /bin/sleep 1004
service [2345] name:crash restart:1 restart_sec:1 /bin/false -- crashes
service [2345] notify:pid pid:!/run/foo.pid env:-/etc/none name:forks /bin/sleep 1005
service [2345] name:hup /bin/sh /srv/hup.sh
task [2345] name:fails /bin/false -- fails
task [2345] name:works /bin/true -- works
task [3] name:night /bin/true -- at night
tty [2345] /dev/tty1 nologin
`;

const box5 = (t: ExecutionContext, config = CONFIG): Promise<Sandbox> =>
  boot(t, {
    root: finit5Root,
    config: { 'test.conf': config },
    files: {
      '/etc/finit.d/latin.conf': Buffer.from(
        'service [2345] name:latin /bin/sleep 1006 -- Caf\xe9\n',
        'latin1',
      ),
      '/srv/idle.sh': 'exec sleep 1003',
      '/srv/hup.sh':
        "trap 'touch /run/got-hup' HUP; trap 'touch /run/got-usr1' USR1; while :; do sleep 0.1; done",
    },
  });

function follow<T>(t: ExecutionContext, start: (signal: AbortSignal) => AsyncIterable<T>): Lines {
  const lines = new Lines();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void (async () => {
    for await (const one of start(stop.signal)) lines.add(JSON.stringify(one));
  })().catch((error) => lines.add(`error ${error.code}`));
  return lines;
}

const busOf = ({ runDir }: Sandbox) => ({ runDir, transport: 'bus' as const });
const settled = (box: Sandbox) =>
  eventually(async () => {
    const all = await services.list(busOf(box));
    const state = (name: string) => all.find(({ identity }) => identity === name)?.state;
    return (
      state('crash') === 'crashed' &&
      state('works') === 'done' &&
      state('web') === 'running' &&
      state('q-u.o_t') === 'running'
    );
  });

test('the list is that of the control socket, field by field, where both tell', async (t) => {
  const box = await box5(t);
  await settled(box);
  const { runDir } = box;
  const [bus, socket] = await Promise.all(
    (['bus', 'socket'] as const).map((transport) => connect({ runDir, transport }).listServices()),
  );
  t.deepEqual(
    bus?.map(({ identity }) => identity),
    socket?.map(({ identity }) => identity),
  );
  t.true((bus?.length ?? 0) >= 12);
  // Neither tells the time by which the other tells it.
  const own = new Set(['uptime', 'startTime']);
  t.is(bus?.find(({ name }) => name === 'latin')?.description, 'Caf\udce9');
  for (const [i, service] of (bus ?? []).entries()) {
    const other = { ...socket?.[i] } as Record<string, unknown>;
    for (const [name, value] of Object.entries(service))
      if (!own.has(name)) t.deepEqual(value, other[name], `${service.identity} ${name}`);
    const found = await connect(busOf(box)).findService(service.identity);
    t.deepEqual({ ...found, uptime: undefined }, { ...service, uptime: undefined });
  }
});

test('what it shows is what finit’s own initctl shows', async (t) => {
  const box = await box5(t);
  await settled(box);
  const { stdout } = await box.exec(['initctl', '-p', '-b', '-j', 'status']);
  const shown = JSON.parse(stdout) as {
    identity: string;
    status: string;
    description: string;
    pid?: number;
  }[];
  const listed = await services.list(busOf(box));
  t.deepEqual(
    listed.map(({ identity, state, description }) => ({
      identity,
      state,
      description: description.replace(/\p{Surrogate}/gu, '\ufffd'),
    })),
    shown.map(({ identity, status, description }) => ({ identity, state: status, description })),
  );
  t.is(listed.find(({ identity }) => identity === 'fails')?.effectiveState, 'failed');
});

test('services are stopped, started, restarted, reloaded and signalled', async (t) => {
  const box = await box5(t);
  await settled(box);
  const o = busOf(box);
  const bus = connect(o);
  const state = async (name: string) => (await services.get(name, o)).state;
  await services.stop(['web', 'pair'], o);
  await eventually(async () => (await state('web')) === 'stopped');
  await eventually(async () => (await state('pair:1')) === 'stopped');
  t.deepEqual(await bus.signalServices(['web', 'forks'], 10), ['web']);
  await services.start('web', o);
  await eventually(async () => (await state('web')) === 'running');
  const { pid } = await services.get('web', o);
  await services.restart('web', o);
  await eventually(async () => {
    const now = await services.get('web', o);
    return now.state === 'running' && now.pid !== pid;
  });
  await eventually(async () => (await state('hup')) === 'running');
  t.deepEqual(await bus.signalServices(['hup'], 10), []);
  await eventually(async () => (await box.exec(['test', '-e', '/run/got-usr1'])).code === 0);
  t.deepEqual(await bus.act('reload', ['hup', 'nope']), ['nope']);
  await eventually(async () => (await box.exec(['test', '-e', '/run/got-hup'])).code === 0);
  await t.throwsAsync(services.stop(['web', 'pair:3'], o), {
    code: 'FINIT_UNKNOWN_SERVICE',
    message: /pair:3/,
  });
  t.is(await state('web'), 'running');
  t.is(await bus.findService('nope'), undefined);
});

test('runlevel, reload and version; what it cannot do goes by the control socket', async (t) => {
  const box = await box5(t);
  await settled(box);
  const { runDir } = box;
  const o = busOf(box);
  t.is((await system.runlevel(o)).current, 2);
  await system.setRunlevel(3, o);
  await eventually(async () => (await system.runlevel(o)).current === 3);
  t.deepEqual(await system.runlevel(o), await system.runlevel({ runDir, transport: 'socket' }));
  const { version, transport, path } = await system.info({ runDir });
  t.deepEqual({ transport, path }, { transport: 'bus', path: join(runDir, 'bus') });
  t.regex(version ?? '', /^5\./);
  await t.throwsAsync(system.plugins(o), { code: 'FINIT_UNSUPPORTED' });
  t.true((await system.plugins({ runDir })).length > 0);
  await system.debug(o);
  await system.debug(o);
  await system.reload(o);
});

test('signals are heard, and a runlevel that moves no service is an event at once', async (t) => {
  const box = await box5(t);
  await settled(box);
  const { runDir } = box;
  const signals = follow<BusSignal>(t, (signal) => watchBus({ runDir, signal }));
  const seen = follow(t, (signal) => events.watch({ runDir, signal, runlevel: true, services: ['web'] }));
  await signals.find(/"resync"/);
  await seen.find(/"current":2/);
  await seen.find(/"identity":"web"/);
  await system.setRunlevel(4, { runDir });
  await signals.find(/"runlevel","previous":2,"current":4/);
  await seen.find(/"current":4,"previous":2/);
  await services.stop('web', { runDir });
  await signals.find(/"identity":"web","previous":"stopping"/);
  await seen.find(/"identity":"web","state":"stopped"/);
  await system.reload({ runDir });
  await signals.find(/"reloaded"/);
  t.truthy(await signals.find(/"name":"net\/lo\/up"/));
});

test('with its 64 clients the bus is busy, who has a connection keeps it, and auto takes the control socket', async (t) => {
  const box = await box5(t, '');
  const { runDir } = box;
  const signals = follow<BusSignal>(t, (signal) => watchBus({ runDir, signal }));
  await signals.find(/resync/);
  const idle: Socket[] = [];
  let turnedAway = false;
  t.teardown(() => {
    for (const one of idle) one.destroy();
  });
  while (!turnedAway && idle.length < 100) {
    const one = connectStream(join(runDir, 'bus'));
    idle.push(one);
    // EAGAIN, when too many wait to be let in, is no connection at all.
    one.on('error', () => {});
    one.on('end', () => {
      turnedAway = true;
    });
    one.resume();
    await new Promise((resolve) => one.once('connect', resolve).once('close', resolve));
    await sleep(1);
  }
  t.true(idle.length >= 60, `${idle.length}`);
  // Ours is one of the 64: it goes on. Another process has to do without.
  t.is((await system.runlevel(busOf(box))).current, 2);
  const ask = (transport: string) =>
    box.exec([
      ...['node', '--input-type=module', '-e'],
      `import { system } from '${PACKAGE_IN_BOX}/dist/index.js';
       console.log(await system.runlevel({ transport: '${transport}' }).then((now) => now.current, (error) => error.code))`,
    ]);
  t.is((await ask('bus')).stdout, 'FINIT_BUSY\n');
  t.is((await ask('auto')).stdout, '2\n');
  for (const one of idle) one.destroy();
  await eventually(async () => (await ask('bus')).stdout === '2\n');
});

test('who may connect but is nobody can read, and gets FINIT_ACCESS_DENIED for the rest', async (t) => {
  const box = await box5(t);
  await settled(box);
  const script = `
    import { services, system } from '${PACKAGE_IN_BOX}/dist/index.js';
    const code = (call) => call.then(() => 'done', (error) => error.code);
    const o = { transport: 'bus' };
    console.log(await code(services.list(o)), await code(services.stop('web', o)), await code(system.reload(o)),
      await code(system.setRunlevel(3, o)), await code(system.poweroff(o)));`;
  const asNobody = async () => {
    const { stdout } = await box.exec(['node', '--input-type=module', '-e', script], { user: 65534 });
    return stdout.trim().split(' ');
  };
  t.deepEqual(new Set(await asNobody()), new Set(['FINIT_ACCESS_DENIED']));
  chmodSync(join(box.runDir, 'bus'), 0o666);
  t.deepEqual(await asNobody(), ['done', ...new Array(4).fill('FINIT_ACCESS_DENIED')]);
  t.is((await services.get('web', busOf(box))).state, 'running');
});

test('when finit goes down, callers and listeners learn it', async (t) => {
  const box = await box5(t);
  await settled(box);
  const o = busOf(box);
  const signals = follow<BusSignal>(t, (signal) => watchBus({ runDir: box.runDir, signal }));
  await signals.find(/resync/);
  await system.poweroff(o);
  await signals.find(/"current":0/);
  await box.exited;
  await t.throwsAsync(system.runlevel(o), { code: 'FINIT_NOT_RUNNING' });
});

test('a finit that takes the place of another is heard and spoken with, by those who were there before', async (t) => {
  const [first, second] = [await box5(t, ''), await box5(t, '')];
  const runDir = mkdtempSync(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rmSync(runDir, { recursive: true }));
  const lead = ({ runDir: to }: Sandbox) => {
    rmSync(join(runDir, 'bus'), { force: true });
    symlinkSync(join(to, 'bus'), join(runDir, 'bus'));
  };
  lead(first);
  const signals = follow<BusSignal>(t, (signal) => watchBus({ runDir, signal }));
  await signals.find(/resync/);
  await first.kill();
  lead(second);
  await signals.find(/resync/, 1);
  await system.setRunlevel(3, { runDir, transport: 'bus' });
  t.truthy(await signals.find(/"runlevel","previous":2,"current":3/));
});

test('through the boundary of a user namespace it is spoken too', async (t) => {
  const box = await boot(t, { root: finit5Root, rootless: true });
  t.is((await system.runlevel(busOf(box))).current, 2);
});
