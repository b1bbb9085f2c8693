import test from 'ava';
import { FinitError } from '#src/errors.js';
import { fold, foldToFit, QUEUE_LIMIT } from '#src/events/fold.js';
import { compileServicePattern } from '#src/events/service-pattern.js';
import type { ConditionEvent, ServiceEvent, SystemEvent } from '#src/events/types.js';
import { Queue } from '#src/queue.js';

const condition = (
  name: string,
  previous: ConditionEvent['previous'],
  state: ConditionEvent['state'],
): ConditionEvent => ({ type: 'condition', name, state, previous, generation: 1 });

/** The queue of an event stream. */
const queue = (onEnd: () => void = () => {}, limit = QUEUE_LIMIT): Queue<SystemEvent> =>
  new Queue({ limit, fold: (events) => foldToFit(events, limit), onEnd });

async function drain(channel: Queue<SystemEvent>): Promise<SystemEvent[]> {
  const events: SystemEvent[] = [];
  for await (const event of channel) events.push(event);
  return events;
}

test('events come in order, before the end, whether they were waited for or not', async (t) => {
  let ended = 0;
  const channel = queue(() => void ended++);
  const first = channel.next();
  const second = channel.next();
  for (const name of ['a', 'b', 'c']) channel.push(condition(name, 'off', 'on'));
  t.like((await first).value, { name: 'a' });
  t.like((await second).value, { name: 'b' });
  channel.end();
  channel.end();
  channel.push(condition('late', 'off', 'on'));
  t.deepEqual(
    (await drain(channel)).map((event) => (event as ConditionEvent).name),
    ['c'],
  );
  t.is(ended, 1);
});

test('an error is told once, after what came before it', async (t) => {
  const channel = queue(() => {});
  channel.push(condition('a', 'off', 'on'));
  channel.end(new FinitError('FINIT_NOT_RUNNING', 'gone'));
  t.like(await channel.next(), { done: false });
  await t.throwsAsync(channel.next(), { code: 'FINIT_NOT_RUNNING' });
  t.like(await channel.next(), { done: true });

  const waiting = queue(() => {});
  const [one, two] = [waiting.next(), waiting.next()];
  waiting.end(new FinitError('FINIT_NOT_RUNNING', 'gone'));
  await t.throwsAsync(one, { code: 'FINIT_NOT_RUNNING' });
  t.like(await two, { done: true });
});

test('leaving the loop ends it, and what waits is forgotten', async (t) => {
  let ended = 0;
  const channel = queue(() => void ended++);
  for (const name of ['a', 'b']) channel.push(condition(name, 'off', 'on'));
  for await (const _ of channel) break;
  t.is(ended, 1);
  t.like(await channel.next(), { done: true });
});

test('a reader that is far behind gets the last state of each thing, with the state that it knew before', async (t) => {
  const channel = queue(() => {}, 10);
  channel.push(condition('flapping', 'off', 'on'));
  channel.push(condition('steady', 'off', 'on'));
  for (let i = 0; i < 9; i++) channel.push(condition('flapping', i % 2 ? 'off' : 'on', i % 2 ? 'on' : 'off'));
  channel.end();
  t.deepEqual(await drain(channel), [condition('steady', 'off', 'on'), condition('flapping', 'off', 'off')]);
});

test('it never holds more than its limit: the oldest go', async (t) => {
  const channel = queue(() => {}, 10);
  for (let i = 0; i < 1000; i++) channel.push(condition(`c${i}`, 'off', 'on'));
  channel.end();
  const events = await drain(channel);
  t.true(events.length <= 10);
  t.is((events.at(-1) as ConditionEvent).name, 'c999');
});

test('folding keeps that a service has crashed', (t) => {
  const service = { identity: 'web' } as ServiceEvent['service'];
  const crash = { restarts: 1, gaveUp: false, reason: 'killed by SIGKILL, restart 1' };
  const events: ServiceEvent[] = [
    { type: 'service', identity: 'web', state: 'restart', previous: 'running', service, crash },
    { type: 'service', identity: 'web', state: 'running', previous: 'restart', service },
  ];
  t.deepEqual(fold(events), [
    { type: 'service', identity: 'web', state: 'running', previous: 'running', service, crash },
  ]);
});

test('services are chosen by identity, by name for all instances, or by pattern', (t) => {
  const chosen = (pattern: string | string[]): string[] => {
    const matches = compileServicePattern(pattern);
    return [
      ['web', 'web'],
      ['web:1', 'web'],
      ['web:2', 'web'],
      ['webs', 'webs'],
      ['a.b', 'a.b'],
      ['axb', 'axb'],
    ].flatMap(([identity = '', name = '']) => (matches(identity, name) ? [identity] : []));
  };
  t.deepEqual(chosen('web'), ['web', 'web:1', 'web:2']);
  t.deepEqual(chosen('web:1'), ['web:1']);
  t.deepEqual(chosen('web:*'), ['web:1', 'web:2']);
  t.deepEqual(chosen('a.b'), ['a.b']);
  t.deepEqual(chosen(['a*', 'webs']), ['webs', 'a.b', 'axb']);
  t.is(chosen('*').length, 6);
  for (const bad of ['', 'a b', 'a/b', 'a\0', []])
    t.throws(() => compileServicePattern(bad), { instanceOf: FinitError, code: 'FINIT_INVALID_ARGUMENT' });
});
