// On a fake; the bus of a real finit 5 is in test/integration/bus.test.ts.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { FinitError } from '#src/errors.js';
import { Command, encodeRequest } from '#src/protocol/control.js';
import { connect, type Transport } from '#src/transport/index.js';
import { startFakeBus } from '../helpers/fake-bus.js';
import { startFakeFinit } from '../helpers/fake-finit.js';
import { projectRoot } from '../helpers/project.js';
import { eventually } from '../helpers/real-finit.js';

const named = (...names: string[]) => new Map(names.map((name) => [name, {}]));
const DENIED = 'org.freedesktop.DBus.Error.AccessDenied';

test('services are listed in finit’s order, those that are removed meanwhile are not among them', async (t) => {
  await using finit = await startFakeBus({
    services: new Map([
      ['web', { State: 'crashed', Pid: 0, ExitStatus: 9 }],
      ['gone', {}],
      ['db:1', {}],
    ]),
    answer: ({ path }) =>
      path.endsWith('/gone') ? { error: 'org.freedesktop.DBus.Error.UnknownInterface' } : undefined,
  });
  const services = await bus(finit.runDir).listServices();
  t.deepEqual(
    services.map(({ identity, state, pid }) => ({ identity, state, pid })),
    [
      { identity: 'web', state: 'crashed', pid: undefined },
      { identity: 'db:1', state: 'running', pid: 42 },
    ],
  );
  t.deepEqual(services[0]?.exit, { signal: 'SIGKILL' });
});

test('a service is found by identity, or by name, then the first of them', async (t) => {
  await using finit = await startFakeBus({ services: named('db:2', 'db:1', 'web') });
  const { findService, unknownServices } = bus(finit.runDir);
  t.is((await findService('db:1'))?.identity, 'db:1');
  t.is((await findService('db'))?.identity, 'db:2');
  t.is((await findService('web:'))?.identity, 'web');
  t.is(await findService('nope'), undefined);
  t.deepEqual(await unknownServices(['web', 'db', 'db:3', 'we']), ['db:3', 'we']);
});

test('of a long list so many calls are under way as finit can answer unread, on one connection for all', async (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
  await using finit = await startFakeBus({ services: named(...names), hold: 1 });
  const lists = await Promise.all([bus(finit.runDir), bus(finit.runDir)].map((one) => one.listServices()));
  for (const list of lists)
    t.deepEqual(
      list.map(({ identity }) => identity),
      names,
    );
  t.is(finit.connections, 1);
  t.true(finit.mostWaiting <= 16, `${finit.mostWaiting}`);
  t.true(finit.mostWaiting > 1);
});

test('what comes byte by byte is read all the same', async (t) => {
  await using finit = await startFakeBus({ services: named('web', 'db:1'), dribble: true });
  t.is((await bus(finit.runDir).listServices()).length, 2);
});

test('orders go to the manager by name, reloads of services to their objects', async (t) => {
  await using finit = await startFakeBus({
    services: named('web', 'db:1', 'db:2'),
    answer: ({ member, body, path }) =>
      member === 'Stop' && body[0] === 'nope'
        ? { error: 'org.finit.Error.NoSuchService', text: 'nope' }
        : member === 'Reload' && path.endsWith('db_3a2')
          ? { error: 'org.finit.Error.Failed', text: 'failed on service' }
          : undefined,
  });
  const { act, signalServices, setRunlevel, power, reload } = bus(finit.runDir);
  t.deepEqual(await act('stop', ['web', 'nope', 'db']), ['nope']);
  t.deepEqual(await act('reload', ['web', 'db', 'other']), ['db', 'other']);
  await signalServices(['web'], 10);
  await setRunlevel('S');
  await setRunlevel(4);
  await power('reboot', 30);
  await power('suspend', 0);
  await reload();
  const said = finit.calls
    .filter(({ member }) => member !== 'ListServices')
    .map(({ path, member, body }) => [path.split('/').at(-1), member, ...body].join(' '));
  t.deepEqual(said, [
    ...['manager Stop web', 'manager Stop nope', 'manager Stop db'],
    ...['web Reload', 'db_3a1 Reload', 'db_3a2 Reload', 'manager Signal web 10'],
    ...[
      'manager SetRunlevel 1',
      'manager SetRunlevel 4',
      'manager Reboot 30',
      'manager Suspend',
      'manager Reload',
    ],
  ]);
});

test('runlevel and version are what the manager says', async (t) => {
  await using finit = await startFakeBus();
  t.deepEqual(await bus(finit.runDir).runlevel(), { current: 2 });
  t.like(await bus(finit.runDir).version(), { version: '5.0-fake', candidates: ['5.0-fake'] });
});

test('finit’s errors have our codes', async (t) => {
  let error = '';
  await using finit = await startFakeBus({ answer: () => ({ error, text: 'because' }) });
  const { reload, act, listServices } = bus(finit.runDir);
  for (const [name, code] of [
    [DENIED, 'FINIT_ACCESS_DENIED'],
    ['org.finit.Error.WrongRunlevel', 'FINIT_REFUSED'],
    ['org.finit.Error.Failed', 'FINIT_REFUSED'],
    ['org.freedesktop.DBus.Error.UnknownMethod', 'FINIT_UNSUPPORTED'],
    ['org.freedesktop.DBus.Error.LimitsExceeded', 'FINIT_REFUSED'],
  ] as const) {
    error = name;
    const refused = await t.throwsAsync<FinitError>(reload(), { code });
    t.true(code === 'FINIT_ACCESS_DENIED' || refused?.message.includes('because'));
    await t.throwsAsync(listServices(), { code });
  }
  error = DENIED;
  await t.throwsAsync(act('stop', ['web']), { code: 'FINIT_ACCESS_DENIED' });
});

test('what the bus cannot do is FINIT_UNSUPPORTED, before anything is asked', async (t) => {
  const long = 'x'.repeat(120);
  await using finit = await startFakeBus({ services: named('web', long) });
  const one = bus(finit.runDir);
  for (const call of [
    () => one.signalServices(['web'], 34),
    () => one.signalServices(['web'], 0),
    () => one.power('suspend', 5),
    () => one.plugins(),
    () => one.pluginDependencies('usr'),
    () => one.switchRoot('/new', ''),
    () => one.findService('12'),
    () => one.unknownServices(['web', '12']),
    () => one.act('reload', ['12']),
    () => one.act('reload', ['web', long]),
    () => one.findService(long),
    () => one.listServices(),
    () => one.act('stop', ['web', 'caf\udce9']),
    () => one.signalServices(['caf\udce9'], 15),
  ])
    await t.throwsAsync(call, { code: 'FINIT_UNSUPPORTED' });
  t.deepEqual([...new Set(finit.calls.map(({ member }) => member))].sort(), ['GetAll', 'ListServices']);
});

test('when the connection is lost, what only reads is asked again once, and an order never', async (t) => {
  let closes = 1;
  await using finit = await startFakeBus({
    services: named('web'),
    answer: () => (closes-- > 0 ? 'close' : undefined),
  });
  const { listServices, power } = bus(finit.runDir);
  t.is((await listServices()).length, 1);
  t.is(finit.connections, 2);
  closes = 2;
  await t.throwsAsync(listServices(), { code: 'FINIT_CONNECTION_LOST' });
  closes = 1;
  await t.throwsAsync(power('reboot', 0), { code: 'FINIT_CONNECTION_LOST' });
  t.is(finit.calls.filter(({ member }) => member === 'Reboot').length, 1);
  t.is((await listServices()).length, 1);
});

test('a connection that finit has closed in between is made again', async (t) => {
  await using finit = await startFakeBus({ services: named('web') });
  const { reload } = bus(finit.runDir);
  await reload();
  finit.drop();
  await eventually(() => finit.open === 0);
  await new Promise((resolve) => setImmediate(resolve));
  await reload();
  t.is(finit.connections, 2);
});

test('no answer costs the caller its timeout, an abort ends it, and others are served', async (t) => {
  await using finit = await startFakeBus({
    answer: ({ member }) => (member === 'SetDebug' ? 'silent' : undefined),
  });
  const one = bus(finit.runDir);
  const debugs = () => finit.calls.filter(({ member }) => member === 'SetDebug').length;
  await one.runlevel();
  await t.throwsAsync(one.toggleDebug({ timeout: 30 }), { code: 'FINIT_TIMEOUT' });
  await eventually(() => debugs() === 1);
  await t.throwsAsync(one.reload({ signal: AbortSignal.abort() }), { code: 'FINIT_ABORTED' });
  // What finit has passed over is not under way any more.
  t.deepEqual(await one.runlevel(), { current: 2 });
  t.is(finit.connections, 1);
  // And where all that may be under way is waited for in vain, and by nobody.
  const stop = new AbortController();
  const aborted = Array.from({ length: 20 }, () => one.toggleDebug({ signal: stop.signal }));
  const outcomes = Promise.allSettled(aborted);
  await eventually(() => debugs() === 1 + 16);
  stop.abort(new Error('enough'));
  for (const outcome of await outcomes)
    t.like(outcome, { reason: { code: 'FINIT_ABORTED', cause: { message: 'enough' } } });
  t.deepEqual(await one.runlevel(), { current: 2 });
  t.is(finit.connections, 2);
  t.is(debugs(), 1 + 16);
});

test('a bus that says nothing at all is a timeout, and one that is full is FINIT_BUSY', async (t) => {
  await using silent = await startFakeBus({ authenticate: () => undefined });
  await t.throwsAsync(bus(silent.runDir).runlevel({ timeout: 50 }), { code: 'FINIT_TIMEOUT' });
  await using full = await startFakeBus({ full: (connection) => connection === 1 });
  await t.throwsAsync(bus(full.runDir).runlevel(), { code: 'FINIT_BUSY' });
  t.deepEqual(await bus(full.runDir).runlevel(), { current: 2 });
});

test('who is another in finit’s user namespace is believed by the kernel’s word, and nobody else', async (t) => {
  const said: string[] = [];
  await using mapped = await startFakeBus({
    authenticate: (uid) => {
      said.push(uid);
      return uid === '65534' ? 'OK 01' : 'REJECTED EXTERNAL';
    },
  });
  t.deepEqual(await bus(mapped.runDir).runlevel(), { current: 2 });
  t.is(said[0], String(process.geteuid?.()));
  t.is(said.at(-1), '65534');
  await using strict = await startFakeBus({ authenticate: () => 'REJECTED' });
  await t.throwsAsync(bus(strict.runDir).runlevel(), { code: 'FINIT_ACCESS_DENIED' });
});

test('what is no bus is FINIT_BAD_REPLY, and does not harm the next call', async (t) => {
  for (const greeting of ['HTTP/1.1 400 Bad Request', 'x'.repeat(5000)]) {
    await using finit = await startFakeBus({
      authenticate: (_, connection) => (connection === 1 ? greeting : 'OK'),
    });
    await t.throwsAsync(bus(finit.runDir).runlevel(), { code: 'FINIT_BAD_REPLY' });
    t.deepEqual(await bus(finit.runDir).runlevel(), { current: 2 });
  }
  const version2 = Buffer.from([0x6c, 2, 0, 2, ...new Array(12).fill(0)]);
  const huge = Buffer.from([0x6c, 2, 0, 1, 0xff, 0xff, 0xff, 0xff, ...new Array(8).fill(0)]);
  const lying = Buffer.from([0x6c, 2, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 5, 1, 0x75, 0, 1, 0, 0, 0]);
  lying[17] = 200;
  for (const raw of [version2, huge, lying, Buffer.from('x'.repeat(64))]) {
    await using finit = await startFakeBus({
      answer: ({ connection }) => (connection === 1 ? { raw } : undefined),
    });
    await t.throwsAsync(bus(finit.runDir).runlevel(), { code: 'FINIT_BAD_REPLY' });
    t.deepEqual(await bus(finit.runDir).runlevel(), { current: 2 });
  }
});

test('an answer of other types than finit’s is FINIT_BAD_REPLY', async (t) => {
  for (const answer of [
    { signature: 's', body: ['text'] },
    { signature: '', body: [] },
    { signature: 'a{sv}', body: [[['Runlevel', ['u', 2]]]] },
    { signature: 'as', body: [['a']] },
  ]) {
    await using finit = await startFakeBus({ answer: () => answer });
    await t.throwsAsync(bus(finit.runDir).runlevel(), { code: 'FINIT_BAD_REPLY' });
  }
});

test('without a bus, or with one that a finit has left behind, auto takes the control socket', async (t) => {
  await using finit = await startFakeFinit([{ reply: encodeRequest(Command.ack, { runlevel: 3 }) }]);
  const { runDir } = finit;
  t.is(connect({ runDir }).kind, 'socket');
  await t.throwsAsync(bus(runDir).runlevel(), { code: 'FINIT_NOT_RUNNING', message: /no socket/ });
  // Nobody listens on a file.
  writeFileSync(join(runDir, 'bus'), '');
  await t.throwsAsync(bus(runDir).runlevel(), { code: 'FINIT_NOT_RUNNING', message: /Nobody listens/ });
  // One that has just come is seen in a moment.
  const auto = await eventually(() => {
    const way = connect({ runDir });
    return way.kind === 'bus' && way;
  });
  t.like(await auto.runlevel(), { current: 3 });
  t.is(auto.kind, 'socket');
});

test('auto goes on to the control socket for what the bus cannot do, and its word counts', async (t) => {
  await using finit = await startFakeBus({ services: named('web') });
  const auto = connect({ runDir: finit.runDir });
  t.is((await auto.listServices()).length, 1);
  t.is(auto.kind, 'bus');
  await t.throwsAsync(auto.plugins(), { code: 'FINIT_NOT_RUNNING', message: /\/socket/ });
});

test('a name too long for a socket is refused', async (t) => {
  await t.throwsAsync(bus(`/tmp/${'x'.repeat(120)}`).runlevel(), { code: 'FINIT_INVALID_ARGUMENT' });
});

test('a connection is hung up some time after the last call, and keeps no process alive', async (t) => {
  await using finit = await startFakeBus();
  await bus(finit.runDir).runlevel();
  t.is(finit.open, 1);
  await eventually(() => finit.open === 0);
  const script = `
    import { connect } from '${projectRoot}/dist/transport/index.js';
    console.log((await connect({ runDir: '${finit.runDir}', transport: 'bus' }).runlevel()).current);
    setTimeout(() => console.log('still there'), 1500).unref();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  t.is(stdout, '2\n');
});

/** The bus there, with patience where a test names no timeout: the machine may have much to do. Its methods may be taken out. */
function bus(runDir: string): Transport {
  return new Proxy(connect({ runDir, transport: 'bus' }), {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      // The last parameter says how long to wait.
      const last = Math.max(0, method.length - 1);
      return (...args: unknown[]) => {
        const given = Array.from({ length: last }, (_, i) => args[i]);
        return method.call(target, ...given, { timeout: 60_000, ...(args[last] as object | undefined) });
      };
    },
  });
}
