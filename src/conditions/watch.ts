/** Following conditions. */
import { compileConditionPattern } from '../protocol/condition-name.js';
import { Queue } from '../queue.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { checkSignal } from '../signal.js';
import type { ConditionState } from './state.js';
import { acquire, type ConditionTree, release } from './tree.js';

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

export interface WatchOptions extends FinitOptions {
  /** Ends the watch, quietly: the iteration is done. */
  signal?: AbortSignal | undefined;
}

/** How many changes may wait for a slow reader before they are folded into the last state of each condition. */
const QUEUE_LIMIT = 8192;

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
  checkSignal(signal);
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
