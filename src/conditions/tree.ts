/**
 * The condition tree of one finit, followed by inotify.
 *
 * The tree is level-triggered: what is on disk is the truth, an event only says where to look. finit deletes
 * `service/<ident>/` and makes it anew within microseconds at every transition (service_condition() in src/service.c), so a
 * new directory is first watched and then read; what was in it before the watch is found by reading, what comes after it by
 * event, and what is found by both changes nothing twice. Writing `reconf` puts every condition with a generation of its own
 * in flux, without an event on its file.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { FinitError } from '../errors.js';
import { type NativeInotify, native } from '../native.js';
import { decodeInotifyEvents, IN, type InotifyEvent } from '../protocol/inotify.js';
import {
  assertRunDir,
  type ConditionState,
  conditionDir,
  type Entry,
  goneAway,
  notRunning,
  RECONF,
  readEntry,
  readGeneration,
  readNames,
  stateOf,
} from './state.js';

/** A condition that changed, in the order in which it was seen. */
export interface TreeChange {
  name: string;
  state: ConditionState;
  previous: ConditionState;
}

export interface TreeListener {
  change?(change: TreeChange): void;
  /** reconf was written, or went away (`undefined`). Comes before the changes that it causes. */
  generation?(generation: number | undefined): void;
  /** The tree cannot be followed any more; nothing comes after this. */
  failed(error: FinitError): void;
}

const MASK =
  IN.CREATE |
  IN.DELETE |
  IN.CLOSE_WRITE |
  IN.MOVED_FROM |
  IN.MOVED_TO |
  IN.DELETE_SELF |
  IN.MOVE_SELF |
  IN.ONLYDIR;

const ROOT = '';
const TREE = 'cond';

export class ConditionTree {
  readonly runDir: string;
  readonly #inotify: NativeInotify;
  readonly #listeners = new Set<TreeListener>();
  /** Paths below the run directory: '' itself, 'cond', 'cond/service', … */
  readonly #paths = new Map<number, string>();
  readonly #entries = new Map<string, Entry>();
  readonly #states = new Map<string, ConditionState>();
  #generation: number | undefined;
  #closed = false;

  /** @throws {FinitError} `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_SYSTEM` (out of inotify instances or watches) */
  constructor(runDir: string) {
    this.runDir = runDir;
    assertRunDir(runDir);
    try {
      this.#inotify = new (native().Inotify)(() => this.#drain());
    } catch (cause) {
      if (cause instanceof FinitError) throw cause;
      throw inotifyError((cause as { errno?: number }).errno ?? 0, 'inotify_init1', runDir, cause);
    }
    try {
      if (!this.#watch(ROOT)) throw notRunning(runDir);
      this.#resync();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get generation(): number | undefined {
    return this.#generation;
  }

  state(name: string): ConditionState {
    return this.#states.get(name) ?? 'off';
  }

  /** All conditions that are not off. */
  states(): IterableIterator<[string, ConditionState]> {
    return this.#states.entries();
  }

  subscribe(listener: TreeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  close(): void {
    this.#closed = true;
    this.#inotify?.close();
  }

  /** Adds a watch on a directory below the run directory. False: it is not there (any more). */
  #watch(path: string): boolean {
    const full = join(this.runDir, path);
    const wd = this.#inotify.add(full, path === ROOT ? MASK : MASK | IN.DONT_FOLLOW);
    if (wd < 0) {
      const errno = getSystemErrorName(wd);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return false;
      throw inotifyError(-wd, 'inotify_add_watch', full);
    }
    this.#paths.set(wd, path);
    return true;
  }

  /** Takes what has happened so far into account now, instead of when the event loop comes to it. */
  catchUp(): void {
    this.#drain();
  }

  #drain(): void {
    try {
      while (!this.#closed) {
        const bytes = this.#inotify.read();
        if (typeof bytes === 'number') throw inotifyError(-bytes, 'read', this.runDir);
        if (bytes.length === 0) break;
        for (const event of decodeInotifyEvents(bytes)) {
          if (this.#closed) return;
          this.#handle(event);
        }
      }
    } catch (error) {
      this.#fail(
        error instanceof FinitError
          ? error
          : new FinitError('FINIT_SYSTEM', `${this.runDir}: ${error}`, { cause: error }),
      );
    }
  }

  #handle({ wd, mask, name }: InotifyEvent): void {
    if (mask & IN.Q_OVERFLOW) {
      this.#resync();
      return;
    }
    const directory = this.#paths.get(wd);
    if (directory === undefined) return;
    if (mask & (IN.IGNORED | IN.DELETE_SELF | IN.MOVE_SELF | IN.UNMOUNT)) {
      if (mask & IN.IGNORED) this.#paths.delete(wd);
      // Of the run directory itself: finit, or its file system, is gone.
      if (directory === ROOT) this.#gone();
      return;
    }
    // In the run directory only the tree matters; finit's socket and its other files come and go beside it.
    if (directory === ROOT && name !== TREE) return;
    const path = directory === ROOT ? name : `${directory}/${name}`;
    if (!(mask & (IN.DELETE | IN.MOVED_FROM))) this.#appeared(path);
    else if (mask & IN.ISDIR && this.#watch(path)) this.#replaced(path);
    else this.#removed(path);
  }

  #appeared(path: string): void {
    if (path === join(TREE, RECONF)) {
      this.#updateGeneration();
      return;
    }
    const entry = readEntry(join(this.runDir, path));
    if (entry === 'directory') this.#enter(path);
    else if (entry !== undefined) this.#put(path.slice(TREE.length + 1), entry);
    // Gone again already: its DELETE is on the way.
  }

  /** Watches a directory, then reads it: in this order nothing falls between the two. */
  #enter(path: string): void {
    if (!this.#watch(path)) return;
    // reconf first, so that the others are judged by it.
    if (path === TREE) this.#updateGeneration();
    for (const name of readNames(join(this.runDir, path)) ?? []) {
      if (path === TREE && name === RECONF) continue;
      this.#appeared(`${path}/${name}`);
    }
  }

  /**
   * A directory was deleted, and there is one of that name: a later one, which has perhaps been read already. What was known
   * of the old one was reported by the events of its own files; only what is not in the new one is gone.
   */
  #replaced(path: string): void {
    this.#enter(path);
    const prefix = path === TREE ? '' : `${path.slice(TREE.length + 1)}/`;
    for (const name of [...this.#entries.keys()])
      if (name.startsWith(prefix) && typeof readEntry(join(this.runDir, TREE, name)) !== 'object')
        this.#put(name, undefined);
  }

  #removed(path: string): void {
    if (path === join(TREE, RECONF)) {
      this.#setGeneration(undefined);
      return;
    }
    const name = path.slice(TREE.length + 1);
    const prefix = path === TREE ? '' : `${name}/`;
    for (const known of [...this.#entries.keys()]) {
      if (known === name || known.startsWith(prefix)) this.#put(known, undefined);
    }
    if (path === TREE) this.#setGeneration(undefined);
  }

  #put(name: string, entry: Entry | undefined): void {
    const before = this.#entries.get(name);
    // Being rewritten: it keeps its state until it is closed, which brings an event.
    if (entry?.kind === 'pending' && before !== undefined) return;
    // A generation other than ours: reconf may have been written, and its event not have come yet (seen on 4.14). Judged by
    // the old one, the condition that has just been asserted again would look as if it were in flux.
    if (entry?.kind === 'generation' && entry.generation !== this.#generation) this.#updateGeneration();
    if (entry === undefined) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    this.#judge(name);
  }

  #judge(name: string): void {
    const state = stateOf(this.#entries.get(name), this.#generation);
    const previous = this.state(name);
    if (state === previous) return;
    if (state === 'off') this.#states.delete(name);
    else this.#states.set(name, state);
    for (const listener of [...this.#listeners]) listener.change?.({ name, state, previous });
  }

  #updateGeneration(): void {
    const generation = readGeneration(this.runDir);
    // Just being written: the event of its closing follows.
    if (generation !== 'pending') this.#setGeneration(generation);
  }

  #setGeneration(generation: number | undefined): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const listener of [...this.#listeners]) listener.generation?.(generation);
    for (const name of [...this.#entries.keys()]) this.#judge(name);
  }

  /** Reads everything again and reports the difference: at the start, and after the kernel's queue overflowed. */
  #resync(): void {
    const before = new Map(this.#entries);
    this.#entries.clear();
    if (existsSync(conditionDir(this.runDir))) this.#enter(TREE);
    else this.#setGeneration(undefined);
    for (const name of before.keys()) if (!this.#entries.has(name)) this.#judge(name);
  }

  #gone(): void {
    this.#removed(TREE);
    this.#fail(goneAway(this.runDir));
  }

  #fail(error: FinitError): void {
    if (this.#closed) return;
    this.close();
    for (const listener of [...this.#listeners]) listener.failed(error);
    this.#listeners.clear();
  }

  get closed(): boolean {
    return this.#closed;
  }
}

function inotifyError(errno: number, syscall: string, path: string, cause?: unknown): FinitError {
  const name = errno > 0 ? getSystemErrorName(-errno) : 'unknown error';
  const details = { errno: name, syscall, path, ...(cause !== undefined && { cause }) };
  if (name === 'EACCES')
    return new FinitError('FINIT_ACCESS_DENIED', `no permission to watch ${path}`, details);
  const advice =
    name === 'EMFILE'
      ? ': too many inotify instances for this user; raise fs.inotify.max_user_instances'
      : name === 'ENOSPC'
        ? ': too many inotify watches for this user; raise fs.inotify.max_user_watches'
        : '';
  return new FinitError('FINIT_SYSTEM', `cannot watch ${path}: ${syscall} gave ${name}${advice}`, details);
}

const trees = new Map<string, ConditionTree>();

/**
 * The tree of a run directory, shared by everybody in this thread who follows it: one inotify instance serves all.
 * Give it back with {@link release} after the last subscription has ended.
 */
export function acquire(runDir: string): ConditionTree {
  const known = trees.get(runDir);
  if (known !== undefined && !known.closed) return known;
  const tree = new ConditionTree(runDir);
  trees.set(runDir, tree);
  return tree;
}

/** Ends a tree that nobody follows any more. */
export function release(tree: ConditionTree): void {
  if (!tree.idle) return;
  tree.close();
  if (trees.get(tree.runDir) === tree) trees.delete(tree.runDir);
}
