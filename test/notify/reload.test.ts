import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { receiveDatagrams } from '../helpers/datagrams.js';
import { projectRoot } from '../helpers/project.js';

const projectNotify = import.meta.resolve('#src/notify/index.js');
let count = 0;

/** A service that has onReload(), `notify` and `say` (a line that the test reads), and is ended with the test. */
async function service(t: ExecutionContext, script: string, ...how: 'mute'[]) {
  const socket = `@node-finit-reload-${process.pid}-${count++}`;
  const receiver = await receiveDatagrams(t, socket, ...how);
  const main = `
    import * as notify from ${JSON.stringify(projectNotify)};
    const say = (text) => console.log(text);
    const go = () => new Promise((resolve) => process.stdin.once('data', resolve));
    process.on('warning', (warning) => say('warning ' + warning.message));
    setInterval(() => {}, 1e6);
    ${script}
    say('up');`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', main], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise<string | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  const first = await line();
  if (first !== 'up') throw new Error(`the service said ${first}`);
  return {
    line,
    ended,
    /** The next message; the time in it left out. */
    heard: async () => (await receiver.next()).replace(/MONOTONIC_USEC=\d+/, 'MONOTONIC_USEC=…'),
    listen: () => receiver.listen(),
    hup: () => void child.kill('SIGHUP'),
    go: () => void child.stdin.write('go\n'),
  };
}

const RELOADING = 'RELOADING=1\nMONOTONIC_USEC=…\n';
const READY = 'READY=1\n';

test('a reload is announced, waited for, and ended with READY', async (t) => {
  const it = await service(
    t,
    `notify.onReload(async () => { say('begins'); await go(); notify.status('done'); }); notify.ready();`,
  );
  t.is(await it.heard(), READY);
  for (let i = 0; i < 2; i++) {
    it.hup();
    t.is(await it.line(), 'begins');
    t.is(await it.heard(), RELOADING);
    it.go();
    t.is(await it.heard(), 'STATUS=done\n');
    t.is(await it.heard(), READY);
  }
});

test('signals during a reload make for one more, after it', async (t) => {
  const it = await service(
    t,
    `notify.onReload(async () => { say('begins'); await go(); say('ends'); }); notify.ready();
     process.on('SIGHUP', () => say('hup'));`,
  );
  t.is(await it.heard(), READY);
  it.hup();
  t.deepEqual(new Set([await it.line(), await it.line()]), new Set(['begins', 'hup']));
  for (let i = 0; i < 3; i++) {
    it.hup();
    t.is(await it.line(), 'hup');
  }
  it.go();
  t.deepEqual([await it.line(), await it.line()], ['ends', 'begins']);
  it.go();
  t.is(await it.line(), 'ends');
  t.deepEqual(
    [await it.heard(), await it.heard(), await it.heard(), await it.heard()],
    [RELOADING, READY, RELOADING, READY],
  );
});

test('a handler that fails is told, and the service is ready nonetheless', async (t) => {
  const it = await service(
    t,
    `notify.onReload(() => { throw new Error('line 5 of\\nweb.conf'); });
     notify.onReload(() => say('the other one'));
     notify.ready();`,
  );
  t.is(await it.heard(), READY);
  for (let i = 0; i < 2; i++) {
    it.hup();
    t.deepEqual(
      [await it.line(), await it.line(), await it.line()].join('|'),
      'the other one|warning line 5 of|web.conf',
    );
    t.is(await it.heard(), RELOADING);
    t.is(await it.heard(), 'READY=1\nSTATUS=Reload failed: line 5 of web.conf\n');
  }
});

for (const [what, thrown, said] of [
  ['null', 'null', 'null'],
  [
    'an object whose toString() throws',
    '{ toString() { throw new Error(); } }',
    'something that cannot be shown',
  ],
  ['an object that has no toString()', 'Object.create(null)', 'something that cannot be shown'],
  ['an error whose message is no text', "Object.assign(new Error('x'), { message: 5 })", '5'],
  ['an error with a cause', "new Error('no config', { cause: new Error('EACCES') })", 'no config: EACCES'],
] as const)
  test(`a handler may throw ${what}, and the next reload is done as well`, async (t) => {
    const it = await service(
      t,
      `notify.onReload(() => { say('read'); throw ${thrown}; });
       notify.ready();`,
    );
    t.is(await it.heard(), READY);
    for (let i = 0; i < 2; i++) {
      it.hup();
      t.is(await it.line(), 'read');
      t.regex(await it.line(), /^warning /);
      t.is(await it.heard(), RELOADING);
      t.is(await it.heard(), `READY=1\nSTATUS=Reload failed: ${said}\n`);
    }
  });

test('a handler that another takes back in mid-reload is not called', async (t) => {
  const it = await service(
    t,
    `notify.onReload(() => { say('one'); other(); });
     const other = notify.onReload(() => say('other'));
     notify.onReload(() => say('last'));`,
  );
  it.hup();
  t.deepEqual([await it.line(), await it.line()], ['one', 'last']);
});

test('READY waits for a supervisor that does not read, as dependants are paused until it comes', async (t) => {
  const it = await service(
    t,
    `notify.onReload(() => { while (notify.status('x').outcome === 'sent'); setTimeout(say, 100, 'full'); });
     notify.ready();`,
    'mute',
  );
  it.hup();
  // READY has been tried in vain by then.
  t.is(await it.line(), 'full');
  it.listen();
  t.is(await it.heard(), READY);
  t.is(await it.heard(), RELOADING);
  let text = await it.heard();
  while (text === 'STATUS=x\n') text = await it.heard();
  t.is(text, READY);
});

test('before it is ready, a service that reloads says nothing of the kind', async (t) => {
  const it = await service(
    t,
    `notify.onReload(() => { notify.status('read'); say('read'); setImmediate(() => notify.ready()); });`,
  );
  it.hup();
  t.is(await it.line(), 'read');
  t.is(await it.heard(), 'STATUS=read\n');
  t.is(await it.heard(), READY);
  it.hup();
  t.is(await it.heard(), RELOADING);
  t.is(await it.heard(), 'STATUS=read\n');
  t.is(await it.heard(), READY);
});

test('taken back, by a call or by using, SIGHUP is what it was', async (t) => {
  const it = await service(
    t,
    `const one = notify.onReload(() => say('one'));
     const other = notify.onReload(() => say('other'));
     one();
     one();
     process.stdin.once('data', () => { other[Symbol.dispose](); say('gone'); });
     notify.ready();`,
  );
  it.hup();
  t.is(await it.line(), 'other');
  it.go();
  t.is(await it.line(), 'gone');
  it.hup();
  t.is(await it.ended, 'SIGHUP');
});

test('a reload that one copy of the package does is told when another copy has said ready', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-copy-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const file of ['package.json', 'dist/errors.js', 'dist/native.js', 'dist/notify/index.js'])
    cpSync(join(projectRoot, file), join(dir, file));
  const it = await service(
    t,
    `process.env.NODE_FINIT_ADDON ??= ${JSON.stringify(join(projectRoot, 'build/Release/node_finit.node'))};
     const copy = await import(${JSON.stringify(join(dir, 'dist/notify/index.js'))});
     copy.onReload(() => say('read'));
     notify.ready();`,
  );
  t.is(await it.heard(), READY);
  it.hup();
  t.is(await it.line(), 'read');
  t.is(await it.heard(), RELOADING);
  t.is(await it.heard(), READY);
});

test('a worker thread gets no signals, and is told so', async (t) => {
  const worker = new Worker(
    `import(${JSON.stringify(projectNotify)}).then(({ onReload }) => {
       try { onReload(() => {}); } catch (error) { require('node:worker_threads').parentPort.postMessage(error.code); }
     });`,
    { eval: true },
  );
  t.is(await new Promise((resolve) => worker.once('message', resolve)), 'FINIT_UNSUPPORTED');
});

test('only a function can be called at a reload', async (t) => {
  const { onReload } = await import('#src/notify/index.js');
  t.throws(() => onReload(undefined as never), { code: 'FINIT_INVALID_ARGUMENT' } as never);
});
