// Ways to start finit-shim that are not meant well, and others beside it.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { shimPath } from '#src/shim/index.js';

export function scratch(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-hostile-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  return dir;
}

/** A program for {@link startShim} that does something first, and becomes the shim. */
export function launcher(t: ExecutionContext, interpreter: string, script: string): string {
  const file = join(scratch(t), 'launch');
  writeFileSync(file, `#!${interpreter}\n${script}\n`, { mode: 0o755 });
  return file;
}

export const pythonLauncher = (t: ExecutionContext, body: string) =>
  launcher(
    t,
    '/usr/bin/python3',
    `import os, resource, signal, sys\n${body}\nos.execv('${shimPath()}', sys.argv)`,
  );

/** Runs until the test ends. */
export function other(t: ExecutionContext, body: string): () => void {
  const child = execFile('/usr/bin/python3', ['-c', `import array, os, socket, struct, time\n${body}`]);
  child.on('error', (error) => t.fail(String(error)));
  t.teardown(() => child.kill('SIGKILL'));
  return () => child.kill('SIGKILL');
}
