// For how long finit is with one request, as strace sees it: from accept() to close().
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The nanoseconds that finit was held by each connection with this command (src/protocol/control.ts) during a call. strace makes them
 * longer, for all alike.
 */
export async function held(box, directory, command, call) {
  const log = join(directory, `strace.${Date.now()}`);
  const strace = spawn(
    'strace',
    [
      '-o',
      log,
      '--absolute-timestamps=format:unix,precision:ns',
      '--syscall-times=ns',
      '-p',
      String(box.pid),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(strace, 'exit');
  const [said] = await Promise.race([once(strace.stderr, 'data'), ended]);
  if (!/attached/.test(String(said))) throw new Error(`strace does not work here: ${said}`);
  try {
    await call();
  } finally {
    strace.kill('SIGINT');
    await ended;
  }
  return connections(readFileSync(log, 'utf8'))
    .filter((connection) => connection.command === command)
    .map(({ time }) => time);
}

function connections(log) {
  const found = [];
  let open;
  for (const line of log.split('\n')) {
    const [, seconds, nanoseconds, call, fd, rest] = /^(\d+)\.(\d+) (\w+)\((\d+)(.*)$/.exec(line) ?? [];
    const at = Number(BigInt(seconds ?? 0) * 1_000_000_000n + BigInt(nanoseconds ?? 0));
    if (call === 'accept' || call === 'accept4') {
      const [, accepted, took] = /= (\d+) <([\d.]+)>$/.exec(rest) ?? [];
      // It is held from when accept() is through.
      if (accepted !== undefined) open = { fd: accepted, since: at + Number(took) * 1e9 };
    } else if (call === 'read' && fd === open?.fd) {
      // The magic number, and a command below 256, in octal.
      const [, command] = /^, "i\\31\\t\\3\\(\d+)/.exec(rest) ?? [];
      if (command !== undefined) open.command = Number.parseInt(command, 8);
    } else if (call === 'close' && fd === open?.fd) {
      found.push({ command: open.command, time: at - open.since });
      open = undefined;
    }
  }
  return found;
}

/** Lets a process run on each time that it has been stopped, a little later. */
export async function resume(child) {
  while (child.exitCode === null && child.signalCode === null) {
    await sleep(2);
    if (!isStopped(child.pid)) continue;
    await sleep(20);
    child.kill('SIGCONT');
  }
}

function isStopped(pid) {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
