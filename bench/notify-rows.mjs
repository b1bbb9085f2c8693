// Readiness and status: a C program that keeps its descriptor, and the other ways to libsystemd from Node.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataType, load, open } from 'ffi-rs';
import * as notify from '../dist/notify/index.js';
import { compare, times } from './measure.mjs';

const STATUS = 'serving 42 requests on port 8080';
// A socket's queue holds 11 messages (net.unix.max_dgram_qlen), so that so many are sent at a time, and read in the pause.
const EACH = 8;
const PAUSE = 30_000;
const NAME = `node-finit-bench/${process.pid}`;

/** Nanoseconds of a call in each of some rounds, as bench/notify-floor.c. */
function bursts(rounds, call) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    let failed = false;
    const begin = process.hrtime.bigint();
    for (let i = 0; i < EACH; i++) if (call() === false) failed = true;
    const end = process.hrtime.bigint();
    if (!failed) found.push(Number(end - begin) / EACH);
    while (process.hrtime.bigint() - end < PAUSE);
  }
  return found;
}

/** With a receiver on one core, and this process with what it starts on another. */
async function withReceiver(at, how, call) {
  const cores = execFileSync('nproc', { encoding: 'utf8' }).trim();
  if (Number(cores) < 2) throw new Error('This row wants two cores: one to send on, one to receive');
  const receiver = spawn('taskset', ['-c', '1', at.programs.receiver, NAME, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(receiver.stdout, 'data');
  const pin = (list) => execFileSync('taskset', ['-a', '-cp', list, String(process.pid)]);
  pin('0');
  process.env.NOTIFY_SOCKET = `@${NAME}`;
  try {
    return await call();
  } finally {
    delete process.env.NOTIFY_SOCKET;
    pin(`0-${Number(cores) - 1}`);
    const ended = once(receiver, 'exit');
    receiver.kill('SIGKILL');
    await ended;
  }
}

const ROUNDS = 500;
const floor = (at, text) => () =>
  times(at.programs.notifyFloor, [NAME, String(ROUNDS), String(EACH), String(PAUSE), text]);
const ready = () => bursts(ROUNDS, () => notify.ready().outcome === 'sent');
const status = () => bursts(ROUNDS, () => notify.status(STATUS).outcome === 'sent');

const row = (what, goal, competitors, how = 'awake') => ({
  what,
  goal,
  run: (at) => withReceiver(at, how, () => compare(at.turns * 2, competitors(at))),
});

/** npm's sd-notify, compiled where it lies, with libsystemd's headers from the root of the peers. */
function sdNotify(at) {
  const require = createRequire(import.meta.url);
  const cwd = dirname(require.resolve('sd-notify'));
  if (!existsSync(join(cwd, 'build/Release/notify.node'))) {
    const gyp = join(dirname(require.resolve('node-gyp/package.json')), 'bin/node-gyp.js');
    const prefix = join(dirname(process.execPath), '..');
    const env = {
      ...process.env,
      CXXFLAGS: `-I${at.root}/usr/include`,
      LDFLAGS: `-L${at.lib}`,
      // Node's own headers, where they were installed with it.
      ...(existsSync(join(prefix, 'include/node/node.h')) && { npm_config_nodedir: prefix }),
    };
    execFileSync(process.execPath, [gyp, 'rebuild', '--silent'], { cwd, env, stdio: ['ignore', 2, 2] });
  }
  return require('sd-notify');
}

let opened = false;
function ffi(at) {
  if (!opened) open({ library: 'systemd', path: join(at.lib, 'libsystemd.so.0') });
  opened = true;
  const call = {
    library: 'systemd',
    funcName: 'sd_notify',
    retType: DataType.I32,
    paramsType: [DataType.I32, DataType.String],
    paramsValue: [0, `STATUS=${STATUS}`],
  };
  return () => bursts(ROUNDS, () => load(call) > 0);
}

export const notifyRows = [
  row('notify.ready() | C program, sendto() on a kept descriptor', 1.25, (at) => [
    ready,
    floor(at, 'READY=1\n'),
  ]),
  row('notify.status() | C program, sendto() on a kept descriptor', 1.25, (at) => [
    status,
    floor(at, `STATUS=${STATUS}\n`),
  ]),
  row(
    'notify.status() to a receiver that sleeps | C program',
    1.25,
    (at) => [status, floor(at, `STATUS=${STATUS}\n`)],
    'asleep',
  ),
  row("notify.ready() | npm's sd-notify", 1 / 3, (at) => {
    const peer = sdNotify(at);
    return [ready, () => bursts(ROUNDS, () => peer.ready())];
  }),
  row("notify.status() | npm's sd-notify", 1 / 3, (at) => {
    const peer = sdNotify(at);
    return [status, () => bursts(ROUNDS, () => peer.sendStatus(STATUS))];
  }),
  row('notify.status() | libsystemd by ffi-rs', undefined, (at) => [status, ffi(at)]),
  {
    what: 'notify.ready() | systemd-notify --ready, spawned',
    run: (at) =>
      withReceiver(at, 'awake', () =>
        compare(at.turns, [ready, () => times(at.programs.spawn, ['5', 'systemd-notify', '--ready'])]),
      ),
  },
  {
    what: "node, a program that imports 'node-finit/notify' | one that imports nothing",
    // 5 ms more, where bare Node takes 17.5.
    goal: 22.5 / 17.5,
    run: async (at) => {
      // Certificates that the environment names are read at each start.
      const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
      const folder = mkdtempSync(join(tmpdir(), 'node-finit-bench-'));
      const start = (name, text) => {
        const file = join(folder, name);
        writeFileSync(file, text);
        return () => times(at.programs.spawn, ['5', process.execPath, file], { env });
      };
      const module = JSON.stringify(new URL('../dist/notify/index.js', import.meta.url).href);
      try {
        return await compare(at.turns * 2, [
          start('notify.mjs', `import * as notify from ${module};\nglobalThis.notify = notify;`),
          start('empty.mjs', 'globalThis.notify = undefined;'),
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  },
];
