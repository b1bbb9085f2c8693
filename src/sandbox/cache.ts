/** Where everything is kept, and the lock under which it is filled. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FinitError } from '../errors.js';
import type { Tools } from './host.js';
import { throwIfAborted } from './run.js';

/** Folders of the cache. Nothing outside of them is written. */
export interface Cache {
  /** The cache itself. */
  dir: string;
  /** apt's private state and the downloaded packages, by suite. */
  suites: string;
  /** Unpacked trees, by suite and packages. */
  roots: string;
  /** One folder for each running sandbox. */
  boxes: string;
}

/**
 * The cache directory: `cacheDir`, or the environment's `NODE_FINIT_CACHE`, or `node-finit` below `XDG_CACHE_HOME`
 * (default `~/.cache`).
 */
export function cacheAt(cacheDir?: string, env: NodeJS.ProcessEnv = process.env): Cache {
  const xdg = env.XDG_CACHE_HOME;
  const dir = resolve(
    cacheDir ??
      (env.NODE_FINIT_CACHE ||
        join(xdg?.startsWith('/') ? xdg : join(env.HOME || homedir(), '.cache'), 'node-finit')),
  );
  if (/[\t\n]/.test(dir))
    throw new FinitError('FINIT_INVALID_ARGUMENT', 'the cache directory has a tab or newline in its name', {
      path: dir,
    });
  return { dir, suites: join(dir, 'suites'), roots: join(dir, 'roots'), boxes: join(dir, 'boxes') };
}

/**
 * Makes a directory that others may look into whatever the umask.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` when it cannot be made.
 */
export async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new FinitError(
      'FINIT_SANDBOX_UNAVAILABLE',
      `cannot make ${dir}: ${(cause as Error).message}. ` +
        'Name a writable cache directory: the option "cacheDir", --cache-dir, or NODE_FINIT_CACHE.',
      { cause, path: dir },
    );
  }
}

/**
 * Holds the cache's lock until the returned object is disposed of, or until this process ends in whatever way: the
 * lock belongs to a child that ends when its standard input does.
 * @throws {FinitError} `FINIT_ABORTED`; `FINIT_SYSTEM`.
 */
export async function lockCache(tools: Tools, cache: Cache, signal?: AbortSignal): Promise<AsyncDisposable> {
  const what = 'waiting for another process that fills the sandbox cache';
  throwIfAborted(signal, what);
  const file = join(cache.dir, 'lock');
  const child = spawn(tools.flock, [file, '/bin/sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A terminal's Ctrl-C must not take the lock away before its owner has stopped.
    detached: true,
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const abort = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', abort, { once: true });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    await new Promise<void>((locked, reject) => {
      child.once('error', reject);
      child.stdout.once('data', () => locked());
      child.once('close', (code) =>
        reject(
          new FinitError('FINIT_SYSTEM', `cannot lock ${file} (${code}): ${said.trim()}`, { path: file }),
        ),
      );
    });
  } catch (error) {
    throwIfAborted(signal, what);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
