import test from 'ava';
import { ServiceTracker } from '#src/events/service-tracker.js';
import type { Service } from '#src/services/index.js';

/** A record as finit 4.14 gives it; only what is looked at differs. */
const record = (changes: Partial<Service>): Service => ({
  identity: 'web',
  name: 'web',
  id: '',
  type: 'service',
  state: changes.effectiveState ?? 'running',
  effectiveState: 'running',
  restarts: 0,
  crashes: 0,
  maxCrashes: 10,
  command: '/bin/web',
  args: [],
  conditions: [],
  rawConditions: '',
  runlevels: [2],
  user: 'root',
  group: 'root',
  description: '',
  origin: '',
  environmentFile: '',
  pidFile: '',
  forking: false,
  notify: 'none',
  sighup: true,
  manual: false,
  job: 1,
  ...changes,
});

const KILLED = { exit: { signal: 'SIGKILL' } } as const;
const TERMINATED = { exit: { signal: 'SIGTERM' } } as const;

/** What the second record is taken for, after the first. */
function step(before: Partial<Service>, now: Partial<Service>, marked = false): string {
  const tracker = new ServiceTracker();
  tracker.update(record(before));
  const event = tracker.update(record(now), marked);
  if (event === undefined) return 'nothing';
  return `${event.previous} ${event.state}${event.crash ? `, ${event.crash.reason}` : ''}`;
}

test('the first record tells the state, and no crash, whatever happened before', (t) => {
  const event = new ServiceTracker().update(record({ effectiveState: 'restart', restarts: 3, ...KILLED }));
  t.like(event, { type: 'service', identity: 'web', state: 'restart', previous: undefined });
  t.is(event?.crash, undefined);
});

test('a record in which nothing of it has changed is no event', (t) => {
  t.is(step({ pid: 5 }, { pid: 5, description: 'other' }), 'nothing');
});

test('an end that nobody asked for is a crash, wherever the service is when one looks', (t) => {
  const up = { pid: 5 };
  t.is(
    step(up, { pid: 6, restarts: 1, crashes: 1, ...KILLED }),
    'running running, killed by SIGKILL, restart 1',
  );
  // The count of crashes has gone down in between.
  t.is(
    step({ pid: 5, restarts: 1, crashes: 1 }, { pid: 6, restarts: 2, crashes: 1, ...KILLED }),
    'running running, killed by SIGKILL, restart 2',
  );
  t.is(
    step(up, { effectiveState: 'restart', exit: { code: 3 } }),
    'running restart, exited with code 3, finit waits before restart 1',
  );
  t.is(
    step({ effectiveState: 'restart', restarts: 1 }, { effectiveState: 'restart', restarts: 2, ...KILLED }),
    'restart restart, killed by SIGKILL, finit waits before restart 3',
  );
  t.is(
    step({ effectiveState: 'restart', restarts: 2 }, { effectiveState: 'crashed', restarts: 2, ...KILLED }),
    'restart crashed, killed by SIGKILL, finit has given up on it',
  );
  // A condition went off meanwhile.
  t.is(
    step(up, { effectiveState: 'waiting', ...KILLED }, true),
    'running waiting, killed by SIGKILL, restart 0',
  );
  // By SIGTERM, but finit says that it did not ask.
  t.is(
    step(up, { pid: 6, restarts: 1, ...TERMINATED }, true),
    'running running, killed by SIGTERM, restart 1',
  );
});

test('an end that was asked for is none', (t) => {
  const up = { pid: 5, restarts: 2, crashes: 1 };
  t.is(step(up, { effectiveState: 'stopped', restarts: 2, crashes: 1, ...TERMINATED }), 'running stopped');
  t.is(step(up, { effectiveState: 'stopped', restarts: 2, crashes: 1, ...KILLED }), 'running stopped');
  // restart, after a crash long ago: restarts counts every start from then on.
  t.is(step(up, { pid: 6, restarts: 3, crashes: 1, ...TERMINATED }), 'running running');
  t.is(step(up, { pid: 6, restarts: 3, crashes: 0, exit: { code: 0 } }), 'running running');
  t.is(step(up, { pid: 6, restarts: 3, crashes: 1, exit: { code: 143 } }), 'running running');
  t.is(step(up, { pid: 6, restarts: 3, crashes: 1 }), 'running running');
});

test('coming back from a crash that has been told of is no second one', (t) => {
  t.is(
    step(
      { effectiveState: 'restart', restarts: 1, crashes: 1, ...KILLED },
      { pid: 6, restarts: 2, crashes: 2, ...KILLED },
      true,
    ),
    'restart running',
  );
});

test('a task that fails has not crashed', (t) => {
  t.is(
    step(
      { type: 'task', pid: 5 },
      { type: 'task', effectiveState: 'failed', restarts: 1, exit: { code: 1 } },
      true,
    ),
    'running failed',
  );
});

test('in a full list, what is missing has been removed and what is new has come', (t) => {
  const tracker = new ServiceTracker();
  t.is(tracker.updateAll([record({}), record({ identity: 'db', name: 'db' })]).length, 2);
  t.true(tracker.has('db'));
  const events = tracker.updateAll([record({}), record({ identity: 'new', name: 'new' })]);
  t.deepEqual(
    events.map(({ identity, previous, state }) => [identity, previous, state]),
    [
      ['db', 'running', 'removed'],
      ['new', undefined, 'running'],
    ],
  );
  t.false(tracker.has('db'));
  t.deepEqual(
    tracker
      .updateAll([record({}), record({ identity: 'db', name: 'db' }), record({ identity: 'new' })])
      .map(({ identity, previous }) => [identity, previous]),
    [['db', undefined]],
  );
});

test('services between two states are to be looked at again', (t) => {
  const tracker = new ServiceTracker();
  tracker.updateAll([
    record({ identity: 'a', effectiveState: 'stopping' }),
    record({ identity: 'b', effectiveState: 'restart' }),
    record({ identity: 'c', effectiveState: 'waiting' }),
  ]);
  t.deepEqual(tracker.passing, ['a', 'b']);
});
