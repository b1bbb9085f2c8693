/** The state of conditions, now. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  compileConditionPattern,
  cutConditionName,
  MAX_NAME_4X,
  parseConditionName,
} from '../protocol/condition-name.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { nameLimit } from './names.js';
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

/** A condition and its state. */
export interface Condition {
  name: string;
  state: ConditionState;
}

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

/** How often a file that is being written is read again; it takes finit microseconds. */
const REREADS = 20;

/**
 * The states of conditions as finit itself sees them, now, without waiting: of names as they stand in a stanza, cut where finit cuts
 * them. A run directory that is not there or may not be read has none on.
 */
export function statesOf(names: Iterable<string>, options: FinitOptions = {}): Map<string, ConditionState> {
  const runDir = resolveRunDir(options);
  const states = new Map<string, ConditionState>();
  for (const name of names) states.set(name, 'off');
  try {
    for (let again = 0; again <= REREADS && !readStates(runDir, states); again++);
  } catch {
    // Whoever asks about conditions is told so; whoever asks about services has an answer without.
  }
  return states;
}

/** True: no doubt, nothing was being written, and no reload came in between. */
function readStates(runDir: string, states: Map<string, ConditionState>): boolean {
  const generation = readGeneration(runDir);
  let pending = generation === 'pending';
  let flux = false;
  for (const name of states.keys()) {
    const entry = readEntry(pathOf(runDir, name));
    if (typeof entry === 'object' && entry.kind === 'pending') pending = true;
    const state = stateOf(
      entry === 'directory' ? undefined : entry,
      generation === 'pending' ? undefined : generation,
    );
    if (state === 'flux') flux = true;
    states.set(name, state);
  }
  return !pending && (!flux || generation === readGeneration(runDir));
}

const pathOf = (runDir: string, name: string): string => {
  const isLong = cutConditionName(name, MAX_NAME_4X) !== name;
  return join(conditionDir(runDir), isLong ? cutConditionName(name, nameLimit(runDir)) : name);
};

/**
 * When a condition was last asserted, also one that was on already: in nanoseconds since 1970, by the file system's clock, for
 * comparing with an earlier answer only. Undefined while it is off.
 */
export function assertedAt(name: string, options: FinitOptions = {}): bigint | undefined {
  try {
    const stat = lstatSync(pathOf(resolveRunDir(options), name), { bigint: true, throwIfNoEntry: false });
    return stat?.mtimeNs;
  } catch {
    return undefined;
  }
}
