// finit's control socket: a C client, and finit's initctl.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from '../dist/protocol/control.js';
import { get, list } from '../dist/services/index.js';
import { held, resume } from './held.mjs';
import { compare, median, pinned, time, times } from './measure.mjs';

const NAME = 's3';
const root = join(import.meta.dirname, '..');

const floor = (at, count, ...what) =>
  times(at.programs.floor, [at.socket, String(at.pidOffset), String(count), ...what]);

const gets = (at) => [() => time(200, () => get(NAME, at.options)), () => floor(at, 200, 'get', NAME)];
const lists = (at, count) => [() => time(count, () => list(at.options)), () => floor(at, count, 'pipelined')];

/** initctl's times where it costs least: started by a C program that is already in the sandbox. */
const initctl =
  (at, count, ...args) =>
  async () => {
    const { stdout } = await at.box.exec(['/srv/bench/spawn', String(count), 'initctl', ...args], {
      check: true,
    });
    return stdout.trim().split('\n').map(Number);
  };

/** A few lists, more of the short ones. */
const some = ({ services, turns }) => [turns, Math.max(3, Math.round(2000 / services))];

const listRow = (services) => ({
  what: `services.list(), ${services} services | pipelined C client`,
  services,
  goal: 1.5,
  run: (at) => compare(some(at)[0], lists(at, some(at)[1])),
});

const fakeRow = (services) => ({
  what: `services.list() per service, ${services} from the fake | pipelined C client`,
  services,
  fake: true,
  goal: 1.5,
  async run(at) {
    const perService = (await compare(some(at)[0], lists(at, some(at)[1]))).map((ns) => ns / services);
    at.perService.set(services, perService[0]);
    return perService;
  },
});

export const controlRows = [
  {
    what: 'services.get(), cores free | C client',
    services: 50,
    goal: 1.5,
    run: (at) => compare(at.turns * 2, gets(at)),
  },
  {
    what: 'services.get(), all on one core | C client',
    services: 50,
    goal: 1.5,
    run: (at) => pinned([at.box.pid], () => compare(at.turns * 2, gets(at))),
  },
  {
    what: 'services.get() | initctl -j status NAME, spawned',
    services: 50,
    goal: 1 / 20,
    run: (at) => compare(at.turns, [gets(at)[0], initctl(at, 10, '-j', 'status', NAME)]),
  },
  listRow(10),
  listRow(50),
  listRow(200),
  {
    what: 'services.list(), 200 services, all on one core | pipelined C client',
    services: 200,
    goal: 1.5,
    run: (at) => pinned([at.box.pid], () => compare(at.turns, lists(at, 10))),
  },
  {
    what: 'services.list(), 200 services | initctl -j status, spawned',
    services: 200,
    goal: 1 / 4,
    run: (at) => compare(at.turns, [lists(at, 10)[0], initctl(at, 5, '-j', 'status')]),
  },
  ...[10, 50, 200, 1000].map(fakeRow),
  {
    what: 'services.list() per service, 1000 from the fake | 200 from the fake',
    services: 1000,
    fake: true,
    goal: 1.5,
    needs: [200, 1000],
    run: (at) => [at.perService.get(1000), at.perService.get(200)],
  },
  {
    what: 'PID 1 held by a request of services.get(), under strace | of initctl -j status NAME',
    services: 50,
    goal: 1,
    run: (at) =>
      compareHeld(
        at,
        Command.findService,
        () => time(100, () => get(NAME, at.options)),
        initctl(at, 20, '-j', 'status', NAME),
      ),
  },
  {
    what: 'PID 1 held by a request of services.list(), under strace | of initctl -j status',
    services: 50,
    goal: 1,
    run: (at) =>
      compareHeld(
        at,
        Command.iterateServices,
        () => time(5, () => list(at.options)),
        initctl(at, 3, '-j', 'status'),
      ),
  },
  {
    what: 'the same of services.get(), stopped (SIGSTOP) right after its send() | of initctl',
    services: 50,
    goal: 1,
    run: (at) =>
      compareHeld(at, Command.findService, () => stoppedGets(at, 25), initctl(at, 20, '-j', 'status', NAME)),
  },
  {
    what: 'the command node-finit status, 50 services | node -e 0',
    services: 50,
    // 12 ms more, where bare Node takes 18.
    goal: 30 / 18,
    run: (at) => {
      const env = { ...process.env, FINIT_RUN_DIR: at.options.runDir };
      const command = (...args) => times(at.programs.spawn, ['5', process.execPath, ...args], { env });
      return compare(at.turns, [
        () => command(join(root, 'dist/node-finit.cjs'), 'status'),
        () => command('-e', '0'),
      ]);
    },
  },
];

/** Of requests of one kind: `initctl status NAME` also asks for all services. */
async function compareHeld(at, command, ...calls) {
  const all = calls.map(() => []);
  for (let turn = 0; turn < Math.ceil(at.turns / 4); turn++)
    for (const [i, call] of calls.entries())
      all[i].push(...(await held(at.box, at.programs.directory, command, call)));
  return all.map(median);
}

/** Each of them stops itself after it has sent its request, and is continued 20 ms later. */
async function stoppedGets(at, count) {
  const child = spawn(
    process.execPath,
    [join(root, 'bench/gets.mjs'), at.options.runDir, NAME, String(count)],
    {
      env: { ...process.env, LD_PRELOAD: at.programs.stopAfterSend },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  await resume(child);
  const [code] = await ended;
  if (code !== 0) throw new Error(`bench/gets.mjs failed: ${code}`);
}
