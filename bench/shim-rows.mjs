// finit-shim: what it weighs, what it costs a start, and that it sleeps.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox } from '../dist/sandbox/index.js';
import { readShimStatus } from '../dist/shim/index.js';
import { compare, median, numbers, times } from './measure.mjs';
import { fifo, PREPARE_BOX, supervisorsHere, supervisorsInBox } from './supervisors.mjs';

const line = (text, name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]);

/**
 * KiB of each that is asked for, in a finit's sandbox, where they share glibc with finit and with nobody else: on a machine with many
 * processes the part of it that counts as theirs is anything.
 */
async function memory(at, names) {
  const box = await startSandbox({
    suite: 'bookworm',
    packages: at.packages,
    mounts: { '/srv/bench': at.programs.directory },
  });
  try {
    const sh = async (script) => (await box.exec(['/bin/sh', '-c', script], { check: true })).stdout;
    await sh(PREPARE_BOX);
    const found = [];
    for (const name of names)
      found.push(
        line(
          await sh(
            `STAMP=/dev/null ${supervisorsInBox[name]} >/dev/null 2>&1 & sleep 1; cat /proc/$!/smaps_rollup; kill -9 $!`,
          ),
          'Pss',
        ),
      );
    return found;
  } finally {
    await box.kill();
  }
}

const memoryRow = (peer, goal) => ({
  what: `finit-shim: its memory (PSS), idle | ${peer}`,
  goal,
  unit: 'KiB',
  run: (at) => memory(at, ['finit-shim', peer]),
});

/** Nanoseconds until a program has started: by finit-shim, by the peer, and by nothing between, which is subtracted. */
async function added(at, peer) {
  const all = supervisorsHere(at, at.programs.stamp);
  const stamp = fifo(at);
  const start =
    ({ file, args, env }) =>
    () =>
      times(at.programs.start, ['20', stamp, file, ...args], {
        env: { ...process.env, STAMP: stamp, ...env },
      });
  const [ours, its, bare] = await compare(
    at.turns * 2,
    ['finit-shim', peer, 'nothing'].map((name) => start(all[name])),
  );
  return [ours - bare, its - bare];
}

const startRow = (peer, goal) => ({
  what: `finit-shim: added to its child's start | ${peer}`,
  goal,
  run: (at) => added(at, peer),
});

/** How often finit-shim was woken up, or put aside, in so many seconds. */
async function wakeUps(at, seconds) {
  const { file, args } = supervisorsHere(at, at.programs.stamp)['finit-shim'];
  const child = spawn(file, args, { env: { ...process.env, STAMP: '/dev/null' }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const switches = () => {
    const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return line(text, 'voluntary_ctxt_switches') + line(text, 'nonvoluntary_ctxt_switches');
  };
  try {
    await sleep(1000);
    const before = switches();
    await sleep(seconds * 1000);
    return switches() - before;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
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
 * SIGABRT, its end, the shim's, and finit's restart. With `respawn`, as finit has those wait for 2 to 5 s that end again and again.
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
        'service name:mute notify:systemd respawn /srv/mute.sh -- Says that it is ready, and no more\n',
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
