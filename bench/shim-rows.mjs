// finit-shim: what it weighs, what it costs a start, and that it sleeps.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox } from '../dist/sandbox/index.js';
import { readShimStatus } from '../dist/shim/index.js';
import { compare, median, numbers, times } from './measure.mjs';
import { supervisors } from './supervisors.mjs';

/** A supervisor with a service that waits, for the time of a call. */
async function running({ file, args, env }, call) {
  const child = spawn(file, args, { env: { ...process.env, STAMP: '/dev/null', ...env }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    await sleep(1000);
    return await call(child.pid);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

const line = (file, name) =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1]);

const memory = (at, name) =>
  running(supervisors(at, at.programs.stamp)[name], (pid) => line(`/proc/${pid}/smaps_rollup`, 'Pss'));

const memoryRow = (peer, goal) => ({
  what: `finit-shim: its memory (PSS), idle | ${peer}`,
  goal,
  unit: 'KiB',
  run: async (at) => [await memory(at, 'finit-shim'), await memory(at, peer)],
});

/** Nanoseconds until a program has started: by finit-shim, by the peer, and by nothing between, which is subtracted. */
async function added(at, peer) {
  const all = supervisors(at, at.programs.stamp);
  const fifo = join(mkdtempSync(join(at.programs.directory, 'start-')), 'stamp');
  execFileSync('mkfifo', [fifo]);
  const start = ({ file, args, env }) => {
    const options = { env: { ...process.env, STAMP: fifo, ...env } };
    return () => times(at.programs.start, ['20', fifo, file, ...args], options);
  };
  const names = ['finit-shim', peer, 'nothing'];
  const [ours, its, bare] = await compare(
    at.turns * 2,
    names.map((name) => start(all[name])),
  );
  return [ours - bare, its - bare];
}

const startRow = (peer, goal) => ({
  what: `finit-shim: added to its child's start | ${peer}`,
  goal,
  run: (at) => added(at, peer),
});

/** How often it has slept, or was put to sleep. */
const switches = (pid) =>
  line(`/proc/${pid}/status`, 'voluntary_ctxt_switches') +
  line(`/proc/${pid}/status`, 'nonvoluntary_ctxt_switches');

async function wakeUps(at, seconds) {
  return await running(supervisors(at, at.programs.stamp)['finit-shim'], async (pid) => {
    const before = switches(pid);
    await sleep(seconds * 1000);
    return switches(pid) - before;
  });
}

/** Nanoseconds for each of a hundred thousand notifications. */
async function storm(at) {
  const dir = mkdtempSync(join(at.programs.directory, 'storm-'));
  const options = ['--identity', 'storm', '--status-dir', dir, '--watchdog', '1s', '--'];
  const shim = spawn(at.programs.shim, [...options, at.programs.storm, '100000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(shim, 'exit');
  const [text] = await Promise.race([once(shim.stdout, 'data'), ended.then(() => ['NaN'])]);
  // The status file is written at most four times a second.
  await sleep(400);
  const { ready, status, watchdog } = readShimStatus('storm', { dir }) ?? {};
  shim.kill('SIGKILL');
  await ended;
  if (!ready || watchdog?.missed !== 0 || status !== '99999 requests served')
    throw new Error(`finit-shim has lost something: ${JSON.stringify({ ready, status, watchdog })}`);
  return numbers(String(text))[0];
}

/**
 * Nanoseconds from the deadline that a service behind the shim has missed to the start of its next process, by a real finit: the
 * SIGABRT, its end, the shim's, and finit's restart.
 */
async function restarts(at) {
  const deadline = 2000;
  const service = `#!/bin/sh
exec /srv/bench/finit-shim --identity mute --watchdog ${deadline}ms -- /usr/bin/node /srv/mute.cjs
`;
  const box = await startSandbox({
    suite: 'forky',
    config: {
      'mute.conf':
        'service name:mute notify:systemd restart:-1 /srv/mute.sh -- Says that it is ready, and no more\n',
    },
    files: {
      '/srv/mute.sh': { content: service, mode: 0o755 },
      '/srv/mute.cjs': `const { notify } = require('/srv/node-finit/dist/index.js');
        notify.ready();
        setInterval(() => {}, 1e6);`,
    },
    mounts: { '/srv/bench': at.programs.directory, '/srv/node-finit': join(import.meta.dirname, '..') },
  });
  try {
    return median(await delays(box, Math.max(2, Math.round(at.turns / 4))));
  } finally {
    await box.kill();
  }
}

/** As the shim's status file tells: nanoseconds from each deadline to the start of the process after it. */
async function delays(box, wanted) {
  const found = [];
  let due;
  let pid;
  while (found.length < wanted) {
    const now = readShimStatus('mute', { runDir: box.runDir });
    if (now?.main && now.main.pid !== pid) {
      if (due !== undefined) found.push(Math.max(0, now.main.since - due) * 1e6);
      due = undefined;
      pid = now.main.pid;
    }
    if (now?.main?.pid === pid && typeof now?.watchdog?.deadline === 'number') due = now.watchdog.deadline;
    await sleep(5);
  }
  return found;
}

export const shimRows = [
  ...['dumb-init', 'runsv', 'tini', 's6-supervise'].map((peer) => memoryRow(peer, 1 / 3)),
  memoryRow('a skeleton, musl and epoll'),
  startRow('tini', 1 / 2),
  startRow('dumb-init'),
  startRow('s6-supervise'),
  startRow('runsv'),
  startRow('a skeleton, musl and epoll'),
  {
    what: 'finit-shim: wake-ups in 10 s, idle | at most',
    goal: 1,
    unit: 'times',
    run: async (at) => [await wakeUps(at, 10), 0],
  },
  {
    what: 'finit-shim: a notification, of 100,000 as fast as it hears them | at most (10,000 a second)',
    goal: 1,
    run: async (at) => {
      const found = [];
      for (let turn = 0; turn < Math.ceil(at.turns / 4); turn++) found.push(await storm(at));
      return [median(found), 100_000];
    },
  },
  {
    what: 'a service that does not ping: from its deadline to its next process | at most',
    goal: 1,
    run: async (at) => [await restarts(at), 1e9],
  },
];
