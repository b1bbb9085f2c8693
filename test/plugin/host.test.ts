import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import { FinitError, isFinitError } from '#src/errors.js';
import { definePlugin, type HostOptions, type Plugin, runPlugins } from '#src/plugin/index.js';
import { Lines } from '../helpers/lines.js';
import { type FakeRunDir, fakeRunDir } from '../helpers/run-dir.js';

/** A host on a directory that stands in for finit's, in this process, with its lines. */
function host(t: ExecutionContext, plugins: (string | Plugin)[], options: HostOptions = {}) {
  const run = fakeRunDir(t);
  const lines = new Lines();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const result = runPlugins(plugins, {
    runDir: run.runDir,
    ownProcess: false,
    signal: stop.signal,
    log: (level, line) => lines.add(`${level} ${line}`),
    ...options,
  });
  const line = (pattern: RegExp): Promise<string> => lines.find(pattern);
  return { ...(run as FakeRunDir), lines: lines.all, result, line, stop: () => stop.abort() };
}

const onlyLog = (name: string, pattern: string): Plugin =>
  definePlugin({
    name,
    setup({ on, log }) {
      on('condition', pattern, ({ name: condition, state }) => log.info(`${condition} ${state}`));
    },
  });

test('a plugin hears of what is there and of each change, and sets conditions', async (t) => {
  const plugin = definePlugin({
    name: 'open-for-business',
    setup({ on, conditions: own, log }) {
      on('condition', 'service/web/ready', async ({ state, previous }) => {
        if (state === 'on') await own.set('open-for-business');
        else await own.clear('open-for-business');
        log.info(`${previous} -> ${state}`);
      });
    },
  });
  const { assert, retract, line, stop, result, runDir } = host(t, [plugin]);
  await line(/running open-for-business/);
  assert('service/web/ready');
  await line(/off -> on/);
  t.is(await conditions.get('open-for-business', { runDir }), 'on');
  retract('service/web/ready');
  await line(/on -> off/);
  t.is(await conditions.get('open-for-business', { runDir }), 'off');
  stop();
  t.deepEqual(await result, { exitCode: 0, plugins: [{ name: 'open-for-business', state: 'stopped' }] });
});

test('an error in a handler is logged with its stack and the plugin goes on, thrown or rejected', async (t) => {
  const plugin = definePlugin({
    name: 'shaky',
    setup({ on, log }) {
      on('condition', 'usr/throw', ({ state }) => {
        if (state === 'on') throw new TypeError('on purpose');
      });
      on('condition', 'usr/reject', async ({ state }) => {
        await null;
        if (state === 'on') throw 'no error object';
      });
      on('condition', 'usr/fine', ({ state }) => log.info(`fine ${state}`));
    },
  });
  const { assertOnce, line, lines, stop, result } = host(t, [plugin]);
  assertOnce('usr/throw');
  await line(/shaky: error: its handler of condition usr\/throw \(on\) failed: TypeError: on purpose/);
  await line(/shaky: error: {5}at .*host\.test/);
  assertOnce('usr/reject');
  await line(/shaky: error: its handler of condition usr\/reject .* no error object/i);
  assertOnce('usr/fine');
  await line(/shaky: fine on/);
  stop();
  t.is((await result).exitCode, 0);
  t.true(
    lines.every((text) => /^\w+ (shaky|node-finit): /.test(text)),
    'each line has its plugin',
  );
});

for (const [kind, setup] of Object.entries<Plugin['setup']>({
  throws: () => {
    throw new Error('setup broke');
  },
  rejects: async () => {
    await delay(1);
    throw new Error('setup broke');
  },
  'subscribes to nonsense': ({ on }) => {
    on('condition', '../etc', () => {});
  },
  'subscribes without a handler': ({ on }) => {
    (on as unknown as (type: string, pattern: string) => void)('condition', 'usr/a');
  },
  'subscribes to an event that does not exist': ({ on }) => {
    (on as unknown as (type: string, handler: () => void) => void)('weather', () => {});
  },
}))
  test(`a plugin whose setup ${kind} ends, is cleaned up after, and another goes on`, async (t) => {
    const plugin = definePlugin({
      name: 'broken',
      setup(context) {
        context.onStop(() => context.log.info(`clean-up, aborted ${context.signal.aborted}`));
        return setup(context);
      },
    });
    const { assertOnce, line, stop, result } = host(t, [plugin, onlyLog('sound', 'usr/*')]);
    await line(/broken: error: setup failed, the plugin has ended: /);
    await line(/broken: clean-up, aborted true/);
    await line(/running sound/);
    assertOnce('usr/a');
    await line(/sound: usr\/a on/);
    stop();
    const { exitCode, plugins } = await result;
    t.is(exitCode, 0);
    t.deepEqual(
      plugins.map(({ name, state }) => [name, state]),
      [
        ['broken', 'failed'],
        ['sound', 'stopped'],
      ],
    );
    t.true(plugins[0]?.error instanceof Error);
  });

test('when no plugin is left the host ends with 1', async (t) => {
  const { result } = host(t, ['/nowhere/plugin.ts']);
  const { exitCode, plugins } = await result;
  t.is(exitCode, 1);
  t.is(plugins[0]?.name, 'plugin');
  t.true(isFinitError(plugins[0]?.error, 'FINIT_PLUGIN'));
});

test('no plugins at all, or what is none, is an error of the caller', async (t) => {
  for (const plugins of [[], [null], [{ name: 'p' }]] as unknown as Plugin[][])
    await t.throwsAsync(runPlugins(plugins), { instanceOf: FinitError, code: 'FINIT_INVALID_ARGUMENT' });
});

test('two plugins of one name: the second is refused', async (t) => {
  const { line, stop, result } = host(t, [onlyLog('same', 'usr/a'), onlyLog('same', 'usr/b')]);
  await line(/the name same is taken/);
  stop();
  t.deepEqual(
    (await result).plugins.map(({ state }) => state),
    ['stopped', 'failed'],
  );
});

test('a setup that never ends is given up, and holds up nobody', async (t) => {
  const stuck = definePlugin({ name: 'stuck', setup: () => new Promise(() => {}) });
  const { line, assertOnce, stop, result } = host(t, [stuck, onlyLog('sound', 'usr/*')], {
    setupTimeout: 500,
  });
  assertOnce('usr/early');
  await line(/sound: usr\/early on/);
  await line(/stuck: error: setup failed.*has not finished after 500 ms/);
  await line(/running sound/);
  stop();
  t.is((await result).exitCode, 0);
});

test('handlers of one plugin run one at a time, in order; one that never ends holds up no other plugin', async (t) => {
  let active = 0;
  const orderly = definePlugin({
    name: 'orderly',
    setup({ on, log }) {
      for (const pattern of ['usr/*', 'service/*/*'])
        on('condition', pattern, async ({ name }) => {
          active++;
          const others = active - 1;
          await delay(5);
          active--;
          log.info(`${name}, others ${others}`);
        });
    },
  });
  const stuck = definePlugin({
    name: 'stuck',
    setup({ on, log }) {
      on('condition', 'usr/*', ({ name }) => {
        log.info(`stuck at ${name}`);
        return new Promise(() => {});
      });
    },
  });
  const { assertOnce, assert, line, lines, stop, result } = host(t, [stuck, orderly]);
  await line(/running/);
  for (const name of ['a', 'b', 'c', 'd']) {
    assertOnce(`usr/${name}`);
    assert(`service/${name}/ready`);
  }
  await line(/usr\/d/);
  await line(/service\/d\/ready/);
  const order = lines.filter((text) => text.includes('orderly: usr/')).map((text) => text.slice(14));
  t.deepEqual(
    order,
    ['a', 'b', 'c', 'd'].map((name) => `usr/${name}, others 0`),
  );
  t.is(lines.filter((text) => text.includes('stuck at')).length, 1);
  stop();
  t.is((await result).exitCode, 0, 'a stuck handler does not keep the host');
});

test('at the end signals fire, waits are aborted, clean-ups run last first, and are given up when they hang', async (t) => {
  const plugin = definePlugin({
    name: 'tidy',
    async setup({ conditions: own, onStop, log, signal }) {
      signal.addEventListener('abort', () => log.info('aborted'));
      own.wait('never').catch((error: unknown) => log.info(`wait ended ${(error as FinitError).code}`));
      onStop(() => new Promise(() => {}));
      onStop(() => {
        throw new Error('bad clean-up');
      });
      onStop(async () => {
        await delay(1);
        log.info('first clean-up');
      });
    },
  });
  const { line, lines, stop, result } = host(t, [plugin], { stopTimeout: 300 });
  await line(/running tidy/);
  stop();
  t.is((await result).exitCode, 0);
  const own = lines
    .filter((text) => text.includes('tidy: ') && !/ {4}at /.test(text))
    .map((text) => text.replace(/^\w+ tidy: /, ''));
  t.deepEqual(
    own.sort(),
    [
      'aborted',
      'error: a clean-up failed: Error: bad clean-up',
      'first clean-up',
      'wait ended FINIT_ABORTED',
      'warning: its clean-ups have not finished after 300 ms, it is left behind',
    ].sort(),
  );
});

test('a subscription ends by its function, and nothing is heard after', async (t) => {
  const plugin = definePlugin({
    name: 'brief',
    setup({ on, log }) {
      const off = on('condition', 'usr/*', ({ name }) => {
        log.info(`heard ${name}`);
        off();
      });
      on('condition', 'usr/*', ({ name }) => log.info(`other ${name}`));
    },
  });
  const { assertOnce, line, lines, stop, result } = host(t, [plugin]);
  await line(/running/);
  assertOnce('usr/a');
  await line(/other usr\/a/);
  await line(/heard usr\/a/);
  assertOnce('usr/b');
  await line(/other usr\/b/);
  stop();
  await result;
  t.is(lines.filter((text) => text.includes('heard')).length, 1);
});

test('context.events() is one stream that ends with the plugin', async (t) => {
  const plugin = definePlugin({
    name: 'stream',
    setup({ events, log }) {
      void (async () => {
        for await (const event of events({ conditions: 'usr/*', finit: true, reload: true }))
          log.info(JSON.stringify(event));
        log.info('ended');
      })();
    },
  });
  const { assertOnce, setGeneration, line, lines, stop, result } = host(t, [plugin]);
  await line(/"finit","state":"up"/);
  assertOnce('usr/a');
  await line(/usr\/a/);
  setGeneration(2);
  await line(/"reload","generation":2/);
  stop();
  await result;
  t.true(lines.some((text) => text.endsWith('stream: ended')));
});

test('plugins survive that finit goes away: its conditions go off', async (t) => {
  const plugin = definePlugin({
    name: 'loyal',
    setup({ on, log }) {
      on('condition', '**', ({ name, state }) => log.info(`${name} ${state}`));
      on('finit', ({ state }) => log.info(`finit ${state}`));
    },
  });
  const { assertOnce, remove, line, stop, result } = host(t, [plugin]);
  assertOnce('usr/a');
  await line(/usr\/a on/);
  await line(/finit up/);
  remove();
  await line(/usr\/a off/);
  await line(/finit down/);
  stop();
  t.is((await result).exitCode, 0);
});

test('a subscription where there is no finit ends the plugin and says so', async (t) => {
  const { line, result } = host(t, [onlyLog('lost', 'usr/*')], { runDir: '/nowhere/finit' });
  await line(/lost: error: .*\/nowhere\/finit/);
  t.is((await result).exitCode, 1);
});
