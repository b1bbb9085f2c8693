/** Runs the host's tools: output collected, ended with us, ended by an AbortSignal. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { FinitError } from '../errors.js';
import type { Tools } from './host.js';

/** How a tool ended, and what it said. */
export interface RunResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  /** Each line the tool prints on standard output, as it comes. */
  onLine?: ((line: string) => void) | undefined;
}

/** @throws {FinitError} `FINIT_ABORTED`, with the signal's reason as the cause. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted)
    throw new FinitError('FINIT_ABORTED', `aborted while ${what}`, { cause: signal.reason });
}

/**
 * Runs a tool to its end. A non-zero exit code is a result, not an error.
 *
 * The tool gets SIGKILL when this process dies (setpriv's pdeathsig): it works under a lock that we hold, and must
 * not outlive it.
 * @throws {FinitError} `FINIT_ABORTED`; `FINIT_SYSTEM` when it cannot be started.
 */
export async function run(
  tools: Tools,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const what = `running ${argv[0]}`;
  throwIfAborted(options.signal, what);
  const child = spawn(tools.setpriv, ['--pdeathsig', 'KILL', '--', ...argv], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const abort = () => child.kill('SIGKILL');
  options.signal?.addEventListener('abort', abort, { once: true });
  let stdout = '';
  let stderr = '';
  let partial = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (options.onLine === undefined) return;
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) options.onLine(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  try {
    return await new Promise<RunResult>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new FinitError('FINIT_SYSTEM', `cannot run ${argv[0]}: ${cause.message}`, { cause })),
      );
      child.on('close', (code, signal) => {
        try {
          throwIfAborted(options.signal, what);
          resolve({ code, signal, stdout, stderr });
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

/** Resolves after `ms` milliseconds, or rejects at once when the signal fires. */
export async function sleep(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? undefined : { signal });
  } catch {
    throwIfAborted(signal, what);
  }
}

/** Keeps the Node process alive for as long as the promise is pending. */
export async function keepAlive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 2 ** 30);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}
