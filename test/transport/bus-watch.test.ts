import test, { type ExecutionContext } from 'ava';
import { type BusSignal, connect, watchBus } from '#src/transport/index.js';
import { type FakeBus, startFakeBus } from '../helpers/fake-bus.js';
import { Lines } from '../helpers/lines.js';
import { eventually } from '../helpers/real-finit.js';

const MANAGER = ['/org/finit/manager', 'org.finit.Manager1'] as const;

function follow(t: ExecutionContext, runDir: string): { lines: Lines; stop: AbortController } {
  const lines = new Lines();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void (async () => {
    try {
      for await (const one of watchBus({ runDir, signal: stop.signal })) lines.add(short(one));
      lines.add('end');
    } catch (error) {
      lines.add(`error ${(error as { code: string }).code}`);
    }
  })();
  return { lines, stop };
}

const short = (one: BusSignal): string => Object.values(one).join(' ');
const rules = (finit: FakeBus) => finit.calls.filter(({ member }) => member === 'AddMatch');

test('signals are told, with names as conditions have them; what is not known is passed over', async (t) => {
  await using finit = await startFakeBus();
  const { lines, stop } = follow(t, finit.runDir);
  await lines.find(/^resync$/);
  finit.emit(...MANAGER, 'ServiceStateChanged', 'sss', ['web:1', 'starting', 'running']);
  finit.emit(...MANAGER, 'RunlevelChanged', 'ss', ['S', '2']);
  finit.emit(...MANAGER, 'SomethingNew', 'su', ['x', 1]);
  finit.emit(...MANAGER, 'ServiceStateChanged', 'u', [1]);
  finit.emit(...MANAGER, 'RunlevelChanged', 'ss', ['N', '6']);
  finit.emit(...MANAGER, 'ConfigReloaded', '', []);
  finit.emit('/org/finit/cond', 'org.finit.Cond1', 'ConditionChanged', 'ss', ['/net/lo/up', 'on']);
  await lines.find(/^condition/);
  stop.abort();
  await lines.find(/^end$/);
  t.deepEqual(lines.all, [
    ...['resync', 'service web:1 starting running', 'runlevel S 2', 'runlevel  6', 'reloaded'],
    ...['condition net/lo/up on', 'end'],
  ]);
});

test('several hear the same connection, with one set of rules, and calls go by it too', async (t) => {
  await using finit = await startFakeBus();
  const all = [follow(t, finit.runDir), follow(t, finit.runDir), follow(t, finit.runDir)];
  for (const { lines } of all) await lines.find(/resync/);
  await connect({ runDir: finit.runDir, transport: 'bus' }).runlevel();
  finit.emit(...MANAGER, 'ConfigReloaded', '', []);
  for (const { lines } of all) await lines.find(/reloaded/);
  t.is(finit.connections, 1);
  t.is(rules(finit).length, 2);
});

test('after a lost connection it is heard again, beginning with a resync; also when finit lets nobody in at first', async (t) => {
  let full = false;
  await using finit = await startFakeBus({ full: () => full });
  const { lines } = follow(t, finit.runDir);
  await lines.find(/resync/);
  full = true;
  finit.drop();
  await eventually(() => finit.connections >= 3);
  full = false;
  await lines.find(/resync/, 1);
  finit.emit(...MANAGER, 'ConfigReloaded', '', []);
  await lines.find(/reloaded/);
  t.deepEqual(lines.all, ['resync', 'resync', 'reloaded']);
});

test('when nobody listens any more the connection is given up', async (t) => {
  await using finit = await startFakeBus();
  for await (const one of watchBus({ runDir: finit.runDir })) {
    t.deepEqual(one, { type: 'resync' });
    break;
  }
  t.is(finit.connections, 1);
  await eventually(() => finit.open === 0);
});

test('without a bus, or without leave to use it, the iteration says so', async (t) => {
  t.is(await follow(t, '/nowhere').lines.find(/./), 'error FINIT_NOT_RUNNING');
  await using strict = await startFakeBus({ authenticate: () => 'REJECTED' });
  t.is(await follow(t, strict.runDir).lines.find(/./), 'error FINIT_ACCESS_DENIED');
  await using full = await startFakeBus({ full: () => true });
  t.is(await follow(t, full.runDir).lines.find(/./), 'error FINIT_BUSY');
});

test('who wants another transport has no signals', async (t) => {
  await using finit = await startFakeBus();
  const { runDir } = finit;
  await t.throwsAsync(watchBus({ runDir, transport: 'socket' }).next(), { code: 'FINIT_UNSUPPORTED' });
  t.is(finit.connections, 0);
});

test('an aborted signal ends it before it begins', async (t) => {
  await using finit = await startFakeBus();
  t.like(await watchBus({ runDir: finit.runDir, signal: AbortSignal.abort() }).next(), { done: true });
  t.is(finit.connections, 0);
});
