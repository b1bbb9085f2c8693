// What a host does with its process, so each test has one of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { Lines } from '../helpers/lines.js';
import { fakeRunDir } from '../helpers/run-dir.js';

const cli = join(import.meta.dirname, '../../dist/cli/main.js');

function run(t: ExecutionContext, plugins: Record<string, string>, args: string[] = []) {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-host-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const files = Object.entries(plugins).map(([name, text]) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  const fake = fakeRunDir(t);
  const { NOTIFY_SOCKET: _, ...env } = process.env;
  const child = spawn(process.execPath, [cli, '--run-dir', fake.runDir, 'plugin', 'run', ...args, ...files], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = new Lines();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (text) => lines.add(text));
  const exit = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  );
  const line = (pattern: RegExp): Promise<string> => lines.find(pattern);
  return { ...fake, child, lines: lines.all, line, exit };
}

const SOUND = `
import { definePlugin } from 'node-finit';
export default definePlugin({
  name: 'sound',
  setup({ on, log, onStop }) {
    on('condition', 'usr/*', ({ name, state }) => log.info(name, state));
    onStop(() => log.info('bye'));
  },
});`;

const THROWS: Record<string, string> = {
  'from a timer': `setTimeout(() => { throw new Error('on purpose'); }, 1)`,
  'from an interval, again and again': `setInterval(() => { throw new Error('on purpose'); }, 1)`,
  'from setImmediate': `setImmediate(() => { throw new Error('on purpose'); })`,
  'from process.nextTick': `process.nextTick(() => { throw new Error('on purpose'); })`,
  'from queueMicrotask': `queueMicrotask(() => { throw new Error('on purpose'); })`,
  'from a promise that nobody awaits': `void (async () => { await null; throw new Error('on purpose'); })()`,
  'from a rejection in a timer': `setTimeout(() => { Promise.reject(new Error('on purpose')); }, 1)`,
  'from a file system call': `import('node:fs').then(({ readFile }) => readFile('/', () => { throw new Error('on purpose'); }))`,
  'from an emitter without error listener': `import('node:net').then(({ connect }) => connect('/on purpose'))`,
  'from its abort listener': `signal.addEventListener('abort', () => { throw new Error('on purpose'); }); setTimeout(() => { throw 1; }, 1)`,
  'from a handler, later': `on('condition', 'usr/first', () => { setTimeout(() => { throw new Error('on purpose'); }, 1); })`,
};

test('plugins that throw where nobody can catch it end alone, each by name, and a sound one goes on', async (t) => {
  const plugins: Record<string, string> = { 'sound.ts': SOUND };
  const cases = Object.entries(THROWS).map(([where, code], i) => ({ where, code, name: `bad-${i}.` }));
  for (const { code, name } of cases)
    plugins[`${name}ts`] = `
      import { definePlugin } from 'node-finit';
      export default definePlugin({
        name: '${name}',
        setup({ on, signal, onStop, log }) { onStop(() => log.info('cleaned up')); ${code}; },
      });`;
  const { child, assertOnce, line, lines, exit } = run(t, plugins);
  assertOnce('usr/first');
  await line(/^sound: usr\/first on/);
  for (const { where, name } of cases) {
    await t.notThrowsAsync(line(new RegExp(`^${name}: error: .*the plugin has ended`)), where);
    await t.notThrowsAsync(line(new RegExp(`^${name}: cleaned up`)), where);
  }
  assertOnce('usr/second');
  await line(/^sound: usr\/second on/);
  child.kill('SIGTERM');
  t.is(await exit, 0);
  t.true(lines.includes('sound: bye'));
  t.deepEqual(
    lines.filter((text) => text.startsWith('node-finit: error')),
    [],
  );
  for (const { where, name } of cases) {
    const told = lines.filter((text) => text.startsWith(`${name}: `) && text.includes('on purpose'));
    t.true(told.length === 1 || told.length === 2, `${where}: ${told.join('\n')}`);
  }
});

test('an error that belongs to no plugin ends the host with 1, after its clean-ups', async (t) => {
  // Without a stack and out of queueMicrotask() nothing tells whose it is.
  const nobody = `export default { name: 'n', setup() { setTimeout(() => queueMicrotask(() => { throw 'nobody'; }), 20); } };`;
  const { line, lines, exit } = run(t, { 'sound.ts': SOUND, 'n.mjs': nobody });
  await line(/^node-finit: error: .*belongs to no plugin/);
  t.is(await exit, 1);
  t.true(lines.includes('sound: bye'));
});

test('when the last plugin has failed the host ends with 1', async (t) => {
  const bad = `export default { name: 'bad', setup() { setTimeout(() => { throw new Error('x'); }, 20); setInterval(() => {}, 1000); } };`;
  const { exit } = run(t, { 'bad.js': bad });
  t.is(await exit, 1);
});

test('SIGINT and SIGTERM stop the host with 0, SIGHUP does not', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, line, lines, exit } = run(t, { 'sound.ts': SOUND });
    await line(/running sound/);
    child.kill('SIGHUP');
    await line(/SIGHUP: still ready/);
    child.kill(signal);
    t.is(await exit, 0);
    t.true(lines.includes('sound: bye'));
  }
});

test('a server, a timer or a listener that a plugin leaves behind does not keep the host', async (t) => {
  const messy = `
    import { createServer } from 'node:net';
    export default { name: 'messy', setup() { createServer().listen(0, '127.0.0.1'); setInterval(() => {}, 1000); } };`;
  const { child, line, exit } = run(t, { 'messy.mjs': messy });
  await line(/running messy/);
  child.kill('SIGTERM');
  t.is(await exit, 0);
});

test('--priority begins each line with its priority, --debug shows debug lines', async (t) => {
  const chatty = `export default { name: 'c', setup({ log }) { log.debug('a'); log.info('b'); log.warn('c\\nd'); log.error('e'); } };`;
  const { child, line, lines, exit } = run(t, { 'c.js': chatty }, ['--priority', '--debug']);
  await line(/running c/);
  child.kill('SIGTERM');
  await exit;
  for (const text of ['<7>c: debug: a', '<6>c: b', '<4>c: warning: c', '<4>c: warning: d', '<3>c: error: e'])
    t.true(lines.includes(text), text);
});
