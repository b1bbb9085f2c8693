/** Commands in a running sandbox. */
import type { ChildProcess, SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import type { Tools } from './host.js';

/** How a command runs in the sandbox. */
export interface SpawnInBoxOptions {
  /** Its environment, besides PATH and HOME. Nothing of this process's environment is passed on. */
  env?: Readonly<Record<string, string>>;
  /** Default: `/`. */
  cwd?: string;
  /** Name or uid from the sandbox's /etc/passwd. Default: root. Not in a rootless sandbox, where there is only root. */
  user?: string | number;
}

export interface ExecOptions extends SpawnInBoxOptions {
  /** For its standard input; without it, that is empty. */
  input?: string | Uint8Array;
  /** In milliseconds; then the command is killed. Default: none. */
  timeout?: number;
  signal?: AbortSignal;
  /** Reject, with `FINIT_SANDBOX_FAILED`, unless the exit code is 0. */
  check?: boolean;
}

/** How a command ended, and what it said. */
export interface ExecResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Which namespaces. */
export interface BoxTarget {
  pid: number;
  userns: boolean;
  root: string;
}

/**
 * The command that enters the sandbox and there runs `argv`.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for an empty command or an unknown user.
 */
export function nsenterArgv(
  tools: Tools,
  target: BoxTarget,
  argv: readonly string[],
  options: SpawnInBoxOptions,
): string[] {
  if (argv.length === 0 || !argv[0]) throw new FinitError('FINIT_INVALID_ARGUMENT', 'no command to run');
  const enter = [tools.nsenter, '--target', String(target.pid)];
  if (target.userns) enter.push('--user', '--preserve-credentials');
  enter.push('--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd');
  if (options.user !== undefined && options.user !== 0 && options.user !== 'root') {
    if (target.userns)
      throw new FinitError(
        'FINIT_INVALID_ARGUMENT',
        'a rootless sandbox has one user only, root: option "user"',
      );
    const { uid, gid } = findUser(readFileSync(join(target.root, 'etc/passwd'), 'utf8'), options.user);
    enter.push('--setuid', String(uid), '--setgid', String(gid));
  }
  const command =
    options.cwd === undefined
      ? argv
      : ['/bin/sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', options.cwd, ...argv];
  // The capabilities that finit's own processes do not have either: see keeper.sh.
  const drop = ['--bounding-set', '-sys_time,-sys_module,-sys_rawio,-syslog', '--'];
  return process.getuid?.() === 0
    ? [tools.setpriv, ...drop, ...enter, '--', ...command]
    : [...enter, '--', ...command];
}

/** A user's numbers in the text of an /etc/passwd. */
export function findUser(passwd: string, user: string | number): { uid: number; gid: number } {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== undefined && uid !== undefined && gid !== undefined)
      if (name === user || uid === String(user)) return { uid: Number(uid), gid: Number(gid) };
  }
  if (typeof user === 'number') return { uid: user, gid: user };
  throw new FinitError('FINIT_INVALID_ARGUMENT', `no user ${user} in the sandbox's /etc/passwd`, {
    subject: user,
  });
}

/** Starts such a command. */
export function spawnInBox(
  start: typeof spawn,
  [file = '', ...args]: readonly string[],
  options: SpawnInBoxOptions & SpawnOptions,
): ChildProcess {
  const { user: _user, cwd: _cwd, env, ...rest } = options;
  return start(file, args, {
    // A session of its own, so that the command can be killed with all it has started: nsenter waits outside.
    detached: true,
    ...rest,
    // child_process passes NODE_V8_COVERAGE on by itself unless it is named.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', NODE_V8_COVERAGE: undefined, ...env },
  });
}

/** Runs a command to its end. */
export async function execInBox(
  start: (options: SpawnInBoxOptions & SpawnOptions) => ChildProcess,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { input, timeout, signal, check: _check, ...how } = options;
  const what = `running ${argv.join(' ')} in the sandbox`;
  const aborted = () => new FinitError('FINIT_ABORTED', `aborted while ${what}`, { cause: signal?.reason });
  if (signal?.aborted) throw aborted();
  const child = start({ ...how, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // all of it has just ended
    }
  };
  let late = false;
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          killGroup();
        }, timeout);
  signal?.addEventListener('abort', killGroup, { once: true });
  const [out, err]: string[][] = [[], []];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out?.push(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => err?.push(text));
  // A command need not read all its input.
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
  try {
    const end = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new FinitError('FINIT_SYSTEM', `cannot start: ${what}`, { cause })),
      );
      child.once('close', (code, how) => resolve([code, how]));
    });
    const stdout = out?.join('') ?? '';
    const stderr = err?.join('') ?? '';
    if (signal?.aborted) throw aborted();
    if (late)
      throw new FinitError('FINIT_TIMEOUT', `gave up ${what} after ${timeout} ms`, {
        lastState: stdout.slice(-500),
      });
    return { code: end[0], signal: end[1], stdout, stderr };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', killGroup);
  }
}
