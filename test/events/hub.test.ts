// With a finit that fails on demand; a real one is in test/integration/events.test.ts.
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import { FinitError } from '#src/errors.js';
import type { Hub } from '#src/events/hub.js';
import { type EventsOptions, type SystemEvent, watch, watchFrom } from '#src/events/index.js';
import type { Sources } from '#src/events/sources.js';
import { Queue } from '#src/queue.js';
import type { Service } from '#src/services/index.js';
import type { BusSignal } from '#src/transport/index.js';
import { Lines } from '../helpers/lines.js';
import { fakeRunDir } from '../helpers/run-dir.js';

interface FakeFinit extends Sources {
  asked: string[];
  services: Map<string, Partial<Service>>;
  level: number;
  fails: FinitError | undefined;
  /** Absent: it has no bus. */
  bus?: Queue<BusSignal>;
}

function fakeFinit(): FakeFinit {
  const answer = <T>(finit: FakeFinit, what: string, value: () => T): Promise<T> => {
    finit.asked.push(what);
    return finit.fails ? Promise.reject(finit.fails) : Promise.resolve(value());
  };
  const record = (identity: string, fields: Partial<Service>): Service =>
    ({
      identity,
      name: identity.split(':')[0],
      type: 'service',
      restarts: 0,
      crashes: 0,
      ...fields,
    }) as Service;
  const finit: FakeFinit = {
    asked: [],
    services: new Map([['web', { effectiveState: 'running', pid: 5 }]]),
    level: 2,
    fails: undefined,
    watchConditions: conditions.watch,
    watchGeneration: conditions.watchGeneration,
    list: () =>
      answer(finit, 'list', () => [...finit.services].map(([identity, fields]) => record(identity, fields))),
    get: (identity) =>
      answer(finit, `get ${identity}`, () => {
        const fields = finit.services.get(identity);
        if (!fields) throw new FinitError('FINIT_UNKNOWN_SERVICE', identity);
        return record(identity, fields);
      }),
    runlevel: () => answer(finit, 'runlevel', () => ({ current: finit.level as 2 })),
    watchBus: () => {
      if (finit.bus === undefined) throw new FinitError('FINIT_NOT_RUNNING', 'no bus');
      return finit.bus;
    },
  };
  return finit;
}

function follow(
  t: ExecutionContext,
  finit: FakeFinit,
  shared: Map<string, Hub>,
  options: EventsOptions,
): Lines {
  const lines = new Lines();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  void (async () => {
    try {
      for await (const event of watchFrom(finit, shared, { ...options, signal: stop.signal }))
        lines.add(short(event));
      lines.add('end');
    } catch (error) {
      lines.add(`error ${(error as FinitError).code}`);
    }
  })();
  return lines;
}

function short(event: SystemEvent): string {
  if (event.type === 'service') return `${event.identity} ${event.previous} ${event.state}`;
  if (event.type === 'runlevel') return `runlevel ${event.previous} ${event.current}`;
  if (event.type === 'finit') return `finit ${event.state}`;
  return event.type;
}

test('one list for all readers, then only what a condition hints at, and nothing that nobody wants', async (t) => {
  const finit = fakeFinit();
  const shared = new Map<string, Hub>();
  const { runDir, assertOnce } = fakeRunDir(t);
  const [one, two] = [0, 1].map(() => follow(t, finit, shared, { runDir, services: '*' }));
  await one?.find(/web undefined running/);
  await two?.find(/web undefined running/);
  t.deepEqual(finit.asked, ['list']);

  finit.services.set('web', { effectiveState: 'stopped' });
  assertOnce('service/web/stopped');
  await one?.find(/web running stopped/);
  await two?.find(/web running stopped/);
  t.deepEqual(finit.asked, ['list', 'get web']);

  // A late one hears what is known, without a question.
  const late = follow(t, finit, shared, { runDir, services: 'web' });
  await late.find(/web undefined stopped/);
  t.deepEqual(finit.asked, ['list', 'get web']);
});

test('a service that finit does not find any more, or that is new, makes it look at all', async (t) => {
  const finit = fakeFinit();
  const { runDir, assertOnce } = fakeRunDir(t);
  const lines = follow(t, finit, new Map(), { runDir, services: '*' });
  await lines.find(/web undefined running/);
  finit.services.clear();
  finit.services.set('db', { effectiveState: 'running', pid: 7 });
  assertOnce('service/web/halted');
  await lines.find(/web running removed/);
  await lines.find(/db undefined running/);
  finit.services.set('new', { effectiveState: 'running', pid: 8 });
  assertOnce('service/new/running');
  t.truthy(await lines.find(/new undefined running/));
});

test('a finit that does not answer is asked again, and what was missed is told', async (t) => {
  for (const code of ['FINIT_TIMEOUT', 'FINIT_CONNECTION_LOST', 'FINIT_NOT_RUNNING'] as const) {
    const finit = fakeFinit();
    const { runDir, assertOnce } = fakeRunDir(t);
    const lines = follow(t, finit, new Map(), { runDir, services: '*' });
    await lines.find(/web undefined running/);
    finit.fails = new FinitError(code, 'on purpose');
    finit.services.set('web', { effectiveState: 'stopped' });
    assertOnce('service/web/stopped');
    while (finit.asked.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    finit.fails = undefined;
    t.truthy(await lines.find(/web running stopped/));
  }
});

test('a finit that cannot be understood ends those who ask about services, and no others', async (t) => {
  const finit = fakeFinit();
  finit.fails = new FinitError('FINIT_UNKNOWN_RECORD', 'on purpose');
  const shared = new Map<string, Hub>();
  const { runDir, setGeneration } = fakeRunDir(t);
  const reloads = follow(t, finit, shared, { runDir, reload: true, finit: true });
  const services = follow(t, finit, shared, { runDir, services: '*' });
  await services.find(/error FINIT_UNKNOWN_RECORD/);
  await reloads.find(/finit up/);
  setGeneration(2);
  t.truthy(await reloads.find(/reload/));
});

test('a change of runlevel is told after anything moved', async (t) => {
  const finit = fakeFinit();
  const { runDir, assertOnce } = fakeRunDir(t);
  const lines = follow(t, finit, new Map(), { runDir, runlevel: true });
  await lines.find(/runlevel undefined 2/);
  finit.level = 3;
  assertOnce('service/night/running');
  await lines.find(/runlevel 2 3/);
  t.false(finit.asked.some((what) => what !== 'runlevel'));
});

test('the signals of a bus are hints: services are asked one by one, for a runlevel alone, and after a resync all', async (t) => {
  const finit = fakeFinit();
  const bus = new Queue<BusSignal>({ fold: (items) => items, limit: 100, onEnd: () => {} });
  finit.bus = bus;
  const { runDir } = fakeRunDir(t);
  const lines = follow(t, finit, new Map(), { runDir, services: '*', runlevel: true });
  await lines.find(/web undefined running/);
  await lines.find(/runlevel undefined 2/);
  const asked = async (act: () => void, event: RegExp): Promise<string[]> => {
    const before = finit.asked.length;
    act();
    await lines.find(event);
    return finit.asked.slice(before);
  };
  const told = await asked(() => {
    finit.services.set('web', { effectiveState: 'stopped' });
    bus.push({ type: 'service', identity: 'web', previous: 'running', state: 'halted' });
  }, /web running stopped/);
  t.true(told.includes('get web'));
  t.false(told.includes('list'));
  const runlevel = await asked(() => {
    finit.level = 3;
    bus.push({ type: 'runlevel', previous: 2, current: 3 });
  }, /runlevel 2 3/);
  t.false(runlevel.includes('list'));
  for (const type of ['resync', 'reloaded'] as const) {
    const all = await asked(
      () => {
        finit.services.set(type, { effectiveState: 'running', pid: 9 });
        bus.push({ type });
      },
      new RegExp(`${type} undefined running`),
    );
    t.true(all.includes('list'));
  }
  bus.end();
});

test('when the last reader has left nothing is shared any more, and a new one begins anew', async (t) => {
  const finit = fakeFinit();
  const shared = new Map<string, Hub>();
  const { runDir } = fakeRunDir(t);
  for (let round = 1; round <= 2; round++) {
    for await (const event of watchFrom(finit, shared, { runDir, services: '*' })) {
      t.is(short(event), 'web undefined running');
      break;
    }
    t.is(shared.size, 0);
    t.is(finit.asked.length, round);
  }
});

test('wrong options are refused at the call', (t) => {
  const { runDir } = fakeRunDir(t);
  t.throws(() => watch({ runDir, conditions: '../x' }), { code: 'FINIT_INVALID_CONDITION' });
  t.throws(() => watch({ runDir, services: 'a b' }), { code: 'FINIT_INVALID_ARGUMENT' });
  t.throws(() => watch({ runDir, reload: 'yes' as unknown as boolean }), { code: 'FINIT_INVALID_ARGUMENT' });
});

test('without finit the iteration says so, and an aborted signal ends it before it begins', async (t) => {
  const everything = watch({ runDir: '/nowhere/finit' });
  await t.throwsAsync(everything.next(), { code: 'FINIT_NOT_RUNNING' });
  const services = watch({ runDir: '/nowhere/finit', services: '*' });
  await t.throwsAsync(services.next(), { code: 'FINIT_NOT_RUNNING' });
  t.like(await watch({ signal: AbortSignal.abort() }).next(), { done: true });
});
