// A finit-shim for a test, outside of finit: what it says to its supervisor is received, its status file read.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { readShimStatus, type ShimStatus, shimPath } from '#src/shim/index.js';
import { projectRoot } from './project.js';
import { eventually } from './real-finit.js';

export interface RunningShim {
  process: ChildProcess;
  dir: string;
  /** All that it and its service have written so far. */
  output(): string;
  status(): ShimStatus | undefined;
  /** Resolves when the status is as wanted. */
  until(test: (status: ShimStatus) => boolean): Promise<ShimStatus>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface ShimOptions {
  /** NOTIFY_SOCKET of the shim. */
  socket?: string;
  env?: NodeJS.ProcessEnv;
  /** Instead of the one that was built. */
  program?: string;
  args?: string[];
}

/** For a service that goes on when the test says so: it waits for a file of that name in the folder. */
export function steps(t: ExecutionContext): { go: string; next(step: string): void } {
  const go = mkdtempSync(join(tmpdir(), 'node-finit-go-'));
  t.teardown(() => rmSync(go, { recursive: true, force: true }));
  return { go, next: (step) => writeFileSync(join(go, step), '') };
}

/** A script in Node's language that has `notify`, `sleep`, `say`, and `until(step)` with the folder of {@link steps} as GO. */
export const nodeService = (body: string): string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import * as notify from '${projectRoot}/dist/notify/index.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { existsSync } from 'node:fs';
const say = (text) => process.stdout.write(text + '\\n');
const until = async (step) => { while (!existsSync(process.env.GO + '/' + step)) await sleep(20); };
${body}`,
];

/** The same in Python, which can send whatever it likes: the connected socket `s`, and `fds(text, …descriptors)`. */
export const pythonService = (body: string) => [
  '/usr/bin/python3',
  '-u',
  '-c',
  `
import os, socket, time, array
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])
def fds(text, *numbers):
  s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', numbers))])
${body}`,
];

export function startShim(
  t: ExecutionContext,
  options: string[],
  command: string[],
  { socket, env, program = shimPath() }: ShimOptions = {},
): RunningShim {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-shim-'));
  const { NOTIFY_SOCKET: _, ...outer } = process.env;
  const child = spawn(program, ['--status-dir', dir, '--identity', 'it', ...options, '--', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...outer, ...(socket && { NOTIFY_SOCKET: socket }), ...env },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    // Its output is over later, or never when somebody it has left behind holds it.
    // What is in the pipes is read between a timer and an immediate, however late they are.
    child.on('exit', (code, signal) => setTimeout(() => setImmediate(resolve, { code, signal }), 300));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  t.teardown(async () => {
    if (!t.passed) t.log(text.slice(-3000));
    // What the service has started is in the shim's process group.
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {}
    child.stdout.destroy();
    child.stderr.destroy();
    rmSync(dir, { recursive: true, force: true });
  });
  const status = () => readShimStatus('it', { dir });
  return {
    process: child,
    dir,
    output: () => text,
    status,
    async until(test) {
      let seen: ShimStatus | undefined;
      await eventually(async () => {
        seen = status();
        return seen !== undefined && test(seen);
      });
      return seen as ShimStatus;
    },
    ended,
  };
}
