// A directory with conditions as finit writes them, for what needs no finit behind them.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

export interface FakeRunDir {
  runDir: string;
  /** Asserts a condition of the present generation. */
  assert(name: string): void;
  /** Asserts a one-shot condition. */
  assertOnce(name: string): void;
  retract(name: string): void;
  setGeneration(generation: number): void;
  /** finit has gone. */
  remove(): void;
}

export function fakeRunDir(t: ExecutionContext): FakeRunDir {
  const runDir = mkdtempSync(join(tmpdir(), 'node-finit-run-'));
  t.teardown(() => rmSync(runDir, { recursive: true, force: true }));
  let generation = 1;
  const place = (name: string): string => {
    const path = join(runDir, 'cond', name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  mkdirSync(join(runDir, 'cond', 'usr'), { recursive: true });
  writeFileSync(place('reconf'), '1\n');
  return {
    runDir,
    assert: (name) => writeFileSync(place(name), `${generation}\n`),
    assertOnce: (name) => symlinkSync('/var/run/finit/cond/reconf', place(name)),
    retract: (name) => rmSync(place(name)),
    setGeneration(next) {
      generation = next;
      writeFileSync(place('reconf'), `${next}\n`);
    },
    remove: () => rmSync(runDir, { recursive: true }),
  };
}
