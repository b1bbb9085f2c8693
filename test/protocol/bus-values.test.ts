import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import { hasServiceObject, servicePath, toRunlevel, toService } from '#src/protocol/bus-values.js';
import { properties } from '../helpers/fake-bus.js';

test('a service’s object has the bytes of its identity, all but letters and digits as hex', (t) => {
  t.is(servicePath('web'), '/org/finit/service/web');
  t.is(servicePath('q-u.o_t:1'), '/org/finit/service/q_2du_2eo_5ft_3a1');
  t.is(servicePath('ö'), '/org/finit/service/_c3_b6');
  t.true(hasServiceObject('x'.repeat(88)));
  t.false(hasServiceObject('x'.repeat(89)));
  t.false(hasServiceObject('-'.repeat(30)));
});

test('properties become a service, text as it is', (t) => {
  t.deepEqual(
    toService(
      properties('pair:2', {
        ...{
          Description: 'Say "hi" \\ & \'x\'',
          Command: '/bin/sh -c "sleep 1;  x"',
          Conditions: 'pid/a,usr/b',
        },
        ...{
          RestartMax: 0xffff_ffff,
          RestartCount: 2,
          RestartsTotal: 5,
          PidFile: '!/run/x.pid',
          Forking: true,
        },
        ...{ Runlevels: 0b100_0000_0100, Environment: '-/etc/x', ManualStart: true, ExitStatus: 256 },
      }),
    ),
    {
      ...{ identity: 'pair:2', name: 'pair', id: '2', type: 'service', state: 'running' },
      ...{ effectiveState: 'running', pid: 42, uptime: 7, exit: { code: 1 }, restarts: 5, crashes: 2 },
      ...{ maxCrashes: -1, command: '/bin/sh', args: ['-c', '"sleep 1;  x"'] },
      ...{ conditions: ['pid/a', 'usr/b'], rawConditions: 'pid/a,usr/b', runlevels: ['S', 2] },
      ...{ user: 'root', group: 'root', description: 'Say "hi" \\ & \'x\'', origin: '/etc/finit.d/x.conf' },
      ...{ environmentFile: '-/etc/x', pidFile: '/run/x.pid', forking: true, manual: true, starts: 0 },
    },
  );
});

test('the state is what finit says, and beside it as it is', (t) => {
  const states = (others: Record<string, string | number>) => {
    const { state, effectiveState, exit, pid, args } = toService(properties('x', others));
    return { state, effectiveState, exit, pid, args };
  };
  t.like(states({ State: 'running', Pid: 0 }), {
    state: 'running',
    effectiveState: 'missing',
    pid: undefined,
  });
  t.like(states({ State: 'done', Pid: 0, Type: 'task', ExitStatus: 256 }), {
    ...{ state: 'done', effectiveState: 'failed', exit: { code: 1 } },
  });
  t.like(states({ State: 'done', Pid: 0, Type: 'task' }), { effectiveState: 'done', exit: { code: 0 } });
  t.like(states({ State: 'halted', Pid: 0 }), { state: 'halted', exit: undefined });
  t.like(states({ State: 'brand-new' }), { state: 'unknown' });
  t.deepEqual(states({ Type: 'sysv', Command: '/etc/init.d/old x start' }).args, ['x']);
});

test('any properties give a service or FINIT_BAD_REPLY', (t) => {
  const known = properties('x');
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(undefined), fc.object());
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(known)), value), (others) => {
      try {
        t.is(typeof toService({ ...known, ...others }).identity, 'string');
      } catch (error) {
        t.true(isFinitError(error, 'FINIT_BAD_REPLY'));
      }
    }),
  );
});

test('runlevels are digits and S', (t) => {
  t.deepEqual(['S', '0', '9', 'N', '', '10', '-1'].map(toRunlevel), [
    ...(['S', 0, 9] as const),
    ...[undefined, undefined, undefined, undefined],
  ]);
});
