// What the rows share: medians, programs in C, pinning.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The middle one. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Nanoseconds of each call. */
export async function time(count, call) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const begin = process.hrtime.bigint();
    await call();
    times.push(Number(process.hrtime.bigint() - begin));
  }
  return times;
}

/**
 * Medians in nanoseconds of competitors that take turns, so that what the machine does meanwhile is done to all.
 * @param competitors - functions that give the nanoseconds of some rounds each.
 */
export async function compare(turns, competitors) {
  const times = competitors.map(() => []);
  for (let turn = 0; turn < turns; turn++)
    for (const [i, compete] of competitors.entries()) times[i].push(...(await compete()));
  return times.map(median);
}

/** The programs beside this file, compiled: their paths by name. */
export function compile() {
  const directory = mkdtempSync(join(tmpdir(), 'node-finit-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const compiled = (compiler, name, options) => {
    const output = join(directory, name);
    execFileSync(compiler, ['-O2', '-o', output, join(import.meta.dirname, `${name}.c`), ...options], {
      stdio: ['ignore', 2, 2],
    });
    return output;
  };
  const gcc = (name, ...options) => compiled('gcc', name, options);
  const musl = (name) => compiled('musl-gcc', name, ['-static', '-s']);
  return {
    directory,
    floor: gcc('floor'),
    fake: gcc('fake'),
    // Runs in the sandbox as well, whatever C library that has.
    spawn: gcc('spawn', '-static'),
    stopAfterSend: gcc('stop-after-send', '-shared', '-fPIC', '-ldl'),
    receiver: gcc('receiver'),
    notifyFloor: gcc('notify-floor'),
    start: gcc('start'),
    storm: gcc('storm', '-static'),
    // Small and quick to start, as finit-shim is.
    stamp: musl('stamp'),
    skeleton: musl('skeleton'),
    shim: shim(directory),
  };
}

/** finit-shim as it is shipped: against musl. */
function shim(directory) {
  const output = join(directory, 'finit-shim');
  const { CC: _, CFLAGS: __, LDFLAGS: ___, ...env } = process.env;
  const build = [join(import.meta.dirname, '../scripts/build-shim.mjs'), output];
  execFileSync(process.execPath, build, { env, stdio: ['ignore', 2, 2] });
  return output;
}

export const numbers = (text) => text.trim().split('\n').map(Number);

/** What a program prints that prints times. */
export async function times(command, args, options) {
  return numbers((await run(command, args, { maxBuffer: 1e8, ...options })).stdout);
}

/** With this process, what it starts, and these on the last core. */
export async function pinned(pids, call) {
  const all = [process.pid, ...pids].map(String);
  const before = execFileSync('taskset', ['-cp', all[0]], { encoding: 'utf8' }).split(':')[1].trim();
  const core = before.split(/[-,]/).at(-1);
  const pin = (cores) => {
    for (const pid of all) execFileSync('taskset', ['-a', '-cp', cores, pid]);
  };
  pin(core);
  try {
    return await call();
  } finally {
    pin(before);
  }
}
