import type { ConditionState } from '../conditions/index.js';
import { isFinitError } from '../errors.js';
import { sleep } from './bell.js';
import type { Sources } from './sources.js';
import type { ConditionEvent } from './types.js';

/** Between two attempts to reach a finit that has gone, in milliseconds. */
const ABSENT = 500;

/**
 * Conditions as events, also beyond finit's going away and coming back: then the difference is told.
 * @returns ends it
 * @throws {FinitError} `FINIT_INVALID_CONDITION`; everything else goes to `failed`
 */
export function followConditions(
  sources: Sources,
  pattern: string | readonly string[],
  runDir: string,
  push: (event: ConditionEvent) => void,
  failed: (error: unknown) => void,
): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  /** What the reader knows; conditions that are off are kept too, so that coming back is not taken for the beginning. */
  const told = new Map<string, ConditionState>();
  let begun = false;

  const session = async (changes: ReturnType<Sources['watchConditions']>): Promise<void> => {
    for await (const { name, state, previous, generation } of changes) {
      const before = told.get(name) ?? (begun && previous === undefined ? 'off' : previous);
      if (state === before) continue;
      told.set(name, state);
      push({ type: 'condition', name, state, previous: before, generation });
    }
  };
  const run = async (first: ReturnType<Sources['watchConditions']>): Promise<void> => {
    let changes = first;
    for (;;) {
      try {
        await session(changes);
        return;
      } catch (error) {
        if (!isFinitError(error, 'FINIT_NOT_RUNNING')) throw error;
      }
      begun = true;
      for (const [name, state] of told) {
        if (state !== 'off')
          push({ type: 'condition', name, state: 'off', previous: state, generation: undefined });
        told.set(name, 'off');
      }
      const again = await retry();
      if (again === undefined) return;
      changes = again;
    }
  };
  const retry = async (): Promise<ReturnType<Sources['watchConditions']> | undefined> => {
    for (;;) {
      await sleep(ABSENT, signal);
      if (signal.aborted) return undefined;
      try {
        return sources.watchConditions(pattern, { runDir, signal });
      } catch (error) {
        if (!isFinitError(error, 'FINIT_NOT_RUNNING')) throw error;
      }
    }
  };
  const fail = (error: unknown): void => {
    if (!signal.aborted) failed(error);
  };
  try {
    run(sources.watchConditions(pattern, { runDir, signal })).catch(fail);
  } catch (error) {
    if (isFinitError(error, 'FINIT_INVALID_CONDITION')) throw error;
    fail(error);
  }
  return () => abort.abort();
}
