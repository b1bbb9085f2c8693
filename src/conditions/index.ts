/**
 * finit's conditions: read them, wait for them, follow them, and set one's own.
 *
 * A condition is *on* when its file below `<runDir>/cond/` carries the current generation or is a symlink to `reconf`, in
 * *flux* when it has not been asserted again since the last reload, *off* when it is not there
 * (src/cond.c, finit 4.2 – 5.0-dev).
 */
import { existsSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import {
  compileConditionPattern,
  MAX_NAME_4X,
  parseConditionName,
  parseUserConditionName,
} from '../protocol/condition-name.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { Queue } from './queue.js';
import {
  assertRunDir,
  type ConditionState,
  conditionDir,
  RECONF,
  readEntry,
  readGeneration,
  readNames,
  stateOf,
} from './state.js';
import { acquire, type ConditionTree, release } from './tree.js';

export type { ConditionState } from './state.js';

/** One step of {@link watch}. */
export interface ConditionChange {
  /** Full name, e.g. `service/web/ready`. */
  name: string;
  state: ConditionState;
  /** The state before; `undefined` for what was found when the watch began. */
  previous: ConditionState | undefined;
  /** finit's generation when this was seen; it grows with each reload. `undefined`: none (yet). */
  generation: number | undefined;
}

/** A condition and its state. */
export interface Condition {
  name: string;
  state: ConditionState;
}

export interface WaitOptions extends FinitOptions {
  /** In milliseconds; without it there is no deadline. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** The state to wait for; default `'on'`. */
  state?: ConditionState | undefined;
}

export interface WatchOptions extends FinitOptions {
  /** Ends the watch, quietly: the iteration is done. */
  signal?: AbortSignal | undefined;
}

/** How many changes may wait for a slow reader before they are folded into the last state of each condition. */
const QUEUE_LIMIT = 8192;

/** finit 5 keeps whole names; 4.x is told by its not having a bus. */
const nameLimit = (runDir: string): number | undefined =>
  existsSync(join(runDir, 'bus')) ? undefined : MAX_NAME_4X;

const asList = (names: string | readonly string[]): readonly string[] =>
  typeof names === 'string' ? [names] : names;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The state of one condition.
 * @param name full name; a bare one means `usr/<name>`
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`
 */
export async function get(name: string, options: FinitOptions = {}): Promise<ConditionState> {
  const runDir = resolveRunDir(options);
  const full = parseConditionName(name, nameLimit(runDir));
  assertRunDir(runDir);
  // Being written by finit just now: it takes it microseconds.
  for (let attempt = 0; ; attempt++) {
    const entry = readEntry(join(conditionDir(runDir), full));
    const generation = readGeneration(runDir);
    const pending = (typeof entry === 'object' && entry.kind === 'pending') || generation === 'pending';
    if (pending && attempt < 5) {
      await sleep(1);
      continue;
    }
    return stateOf(
      entry === 'directory' ? undefined : entry,
      generation === 'pending' ? undefined : generation,
    );
  }
}

/**
 * All conditions that are on or in flux, by name; with a pattern, those that match it.
 * @param pattern see {@link watch}
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`
 */
export async function list(
  pattern: string | readonly string[] = '**',
  options: FinitOptions = {},
): Promise<Condition[]> {
  const runDir = resolveRunDir(options);
  const matches = compileConditionPattern(pattern);
  assertRunDir(runDir);
  const found: Condition[] = [];
  const generation = readGeneration(runDir);
  const root = conditionDir(runDir);
  const visit = (prefix: string): void => {
    for (const file of readNames(join(root, prefix)) ?? []) {
      const name = prefix + file;
      if (name === RECONF) continue;
      const entry = readEntry(join(root, name));
      if (entry === 'directory') visit(`${name}/`);
      else if (entry !== undefined && matches(name)) {
        const state = stateOf(entry, generation === 'pending' ? undefined : generation);
        if (state !== 'off') found.push({ name, state });
      }
    }
  };
  visit('');
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Sets conditions in `usr/`: services that are declared with `<usr/NAME>` may start. Setting one that is set changes nothing.
 * finit takes notice by itself, soon after.
 * @param names bare or with `usr/`
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM`
 */
export async function set(names: string | readonly string[], options: FinitOptions = {}): Promise<void> {
  // Relative, so that it holds from every mount namespace; finit only ever opens it (4.2 – 5.0-dev).
  change(names, options, (path) => symlinkSync(`../${RECONF}`, path), 'EEXIST');
}

/**
 * Clears conditions in `usr/`. Clearing one that is not set changes nothing. A clear makes finit call sync(), so it is not
 * for the beat of a loop.
 * @param names bare or with `usr/`
 * @throws {FinitError} `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM`
 */
export async function clear(names: string | readonly string[], options: FinitOptions = {}): Promise<void> {
  change(names, options, unlinkSync, 'ENOENT');
}

function change(
  names: string | readonly string[],
  options: FinitOptions,
  act: (path: string) => void,
  alreadySo: string,
): void {
  const runDir = resolveRunDir(options);
  const limit = nameLimit(runDir);
  // All are looked at before the first is touched.
  const parsed = asList(names).map((name) => parseUserConditionName(name, limit));
  assertRunDir(runDir);
  for (const name of parsed) {
    const path = join(conditionDir(runDir), name);
    try {
      act(path);
    } catch (cause) {
      throwUnless(cause, alreadySo, runDir, path, name);
    }
  }
}

function throwUnless(cause: unknown, alreadySo: string, runDir: string, path: string, name: string): void {
  const { code = '', syscall = '' } = cause as NodeJS.ErrnoException;
  const details = { cause, path, subject: name, errno: code, syscall };
  const directory = join(conditionDir(runDir), 'usr');
  if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes(code) && !existsSync(directory))
    throw new FinitError(
      'FINIT_NOT_RUNNING',
      `<${name}> cannot be changed: ${directory} is not there. finit makes it when it boots and removes it when it shuts down`,
      details,
    );
  if (code === alreadySo) return;
  if (code === 'EACCES' || code === 'EPERM')
    throw new FinitError(
      'FINIT_ACCESS_DENIED',
      `<${name}> cannot be changed: no permission to write ${directory}. Run as root`,
      details,
    );
  throw new FinitError('FINIT_SYSTEM', `<${name}> cannot be changed: ${code} in ${directory}`, details);
}

/**
 * Waits until conditions are on (or in `state`), all at the same time. A condition that is not there yet, because finit is
 * still booting or has not heard of its owner, is waited for as well.
 * @param names full names; a bare one means `usr/<name>`
 * @throws {FinitError} `FINIT_TIMEOUT` and `FINIT_ABORTED` (with `lastState`), `FINIT_NOT_RUNNING` also when finit goes away
 *   meanwhile, `FINIT_INVALID_CONDITION`, `FINIT_ACCESS_DENIED`, `FINIT_INVALID_ARGUMENT`
 */
export async function wait(names: string | readonly string[], options: WaitOptions = {}): Promise<void> {
  const { timeout, signal, state = 'on' } = options;
  const runDir = resolveRunDir(options);
  const limit = nameLimit(runDir);
  const wanted = asList(names).map((name) => parseConditionName(name, limit));
  if (wanted.length === 0)
    throw new FinitError('FINIT_INVALID_ARGUMENT', 'wait() needs at least one condition');
  if (!['on', 'off', 'flux'].includes(state))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `no state of a condition: ${JSON.stringify(state)}`);
  if (timeout !== undefined && !(timeout >= 0))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `timeout: milliseconds, 0 or more, not ${timeout}`);
  const what = wanted.map((name) => `<${name}>`).join(', ');
  if (signal?.aborted) throw aborted(`waiting for ${what}`, signal);

  const tree = acquire(runDir);
  try {
    await new Promise<void>((resolve, reject) => {
      const missing = (): string[] => wanted.filter((name) => tree.state(name) !== state);
      if (missing().length === 0) {
        resolve();
        return;
      }
      const lastState = (): string => missing().map(tree.state, tree).join(', ');
      const report = (): string =>
        missing()
          .map((name) => `<${name}> is ${tree.state(name)}`)
          .join(', ');
      const finish = (error?: FinitError): void => {
        unsubscribe();
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const unsubscribe = tree.subscribe({
        change: ({ name }) => {
          if (wanted.includes(name) && missing().length === 0) finish();
        },
        failed: finish,
      });
      const onAbort = (): void =>
        finish(aborted(`waiting for ${what} to be ${state}: ${report()}`, signal, lastState()));
      signal?.addEventListener('abort', onAbort, { once: true });
      const onTimeout = (): void => {
        // The timer of a loop that was busy comes before the events that were there in time.
        tree.catchUp();
        if (missing().length === 0 || tree.closed) return;
        finish(
          new FinitError('FINIT_TIMEOUT', `waited ${timeout} ms for ${what} to be ${state}: ${report()}`, {
            subject: wanted.join(','),
            lastState: lastState(),
          }),
        );
      };
      // Longer than setTimeout() can is about 24 days, after which nobody is waiting any more.
      const timer =
        timeout === undefined || timeout === Infinity
          ? undefined
          : setTimeout(onTimeout, Math.min(timeout, 2 ** 31 - 1));
    });
  } finally {
    release(tree);
  }
}

function aborted(doing: string, signal: AbortSignal | undefined, lastState?: string): FinitError {
  return new FinitError('FINIT_ABORTED', `aborted ${doing}`, {
    cause: signal?.reason,
    ...(lastState !== undefined && { lastState }),
  });
}

/**
 * Follows conditions: first every matching one that is on or in flux (with `previous: undefined`), then each change, in the
 * order in which it happened. Transitions that finit makes faster than they can be read coalesce; so do those that wait for a
 * reader who is some thousands of changes behind. The last state is always delivered.
 *
 * The watch begins at the call, not at the first `next()`, and keeps the process alive until it is ended by `break`, by
 * `return()`, by `signal`, or by an error.
 * @param pattern full names, in which `*` stands for anything within a segment and `**` for any number of segments, e.g.
 *   `service/*\/ready`; several are joined by or
 * @throws {FinitError} at the call: `FINIT_INVALID_CONDITION`, `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM`;
 *   from the iteration: `FINIT_NOT_RUNNING` when finit goes away, after everything has been reported off
 */
export function watch(
  pattern: string | readonly string[],
  options: WatchOptions = {},
): AsyncIterableIterator<ConditionChange> {
  const matches = compileConditionPattern(pattern);
  return follow(options, fold, (tree, push) => {
    for (const [name, state] of [...tree.states()].sort(([a], [b]) => (a < b ? -1 : 1)))
      if (matches(name)) push({ name, state, previous: undefined, generation: tree.generation });
    return {
      change: ({ name, state, previous }) => {
        if (matches(name)) push({ name, state, previous, generation: tree.generation });
      },
    };
  });
}

/**
 * Follows finit's generation: first the present one, then each new one, that is each reload (cond_reload() in src/sm.c, 4.2 – 5.0-dev);
 * `undefined` while there is none, before boot is done and at shutdown. Ends like {@link watch}.
 * @throws {FinitError} as {@link watch}
 */
export function watchGeneration(
  options: WatchOptions = {},
): AsyncIterableIterator<{ generation: number | undefined }> {
  const last = (items: { generation: number | undefined }[]) => items.slice(-1);
  return follow(options, last, (tree, push) => {
    push({ generation: tree.generation });
    return { generation: (generation) => push({ generation }) };
  });
}

/** The last state of each condition, in the order of their last changes, with the state before the first of them. */
function fold(changes: ConditionChange[]): ConditionChange[] {
  const folded = new Map<string, ConditionChange>();
  for (const change of changes) {
    const before = folded.get(change.name);
    folded.delete(change.name);
    folded.set(change.name, before === undefined ? change : { ...change, previous: before.previous });
  }
  return [...folded.values()].filter(({ state, previous }) => state !== previous);
}

type Follower = {
  change?(change: { name: string; state: ConditionState; previous: ConditionState }): void;
  generation?(generation: number | undefined): void;
};

function follow<T>(
  { signal, ...options }: WatchOptions,
  foldItems: (items: T[]) => T[],
  begin: (tree: ConditionTree, push: (item: T) => void) => Follower,
): AsyncIterableIterator<T> {
  const tree = signal?.aborted ? undefined : acquire(resolveRunDir(options));
  let unsubscribe: (() => void) | undefined;
  const onAbort = (): void => void queue.return();
  const queue = new Queue<T>({
    limit: QUEUE_LIMIT,
    fold: foldItems,
    onEnd: () => {
      signal?.removeEventListener('abort', onAbort);
      unsubscribe?.();
      if (tree !== undefined) release(tree);
    },
  });
  if (tree === undefined) {
    queue.end();
    return queue;
  }
  unsubscribe = tree.subscribe({
    ...begin(tree, (item) => queue.push(item)),
    failed: (error) => queue.end(error),
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return queue;
}
