/** Results of targets that are not ours: they may throw, reject, or give something else. */
import { FinitError } from '../errors.js';
import type { PingResult } from './types.js';

/** A result, whatever happens. */
export async function settled(act: () => PingResult | Promise<PingResult>): Promise<PingResult> {
  try {
    const result = await act();
    if (!isResult(result)) throw new TypeError(`it gave ${typeof result}, not { outcome }`);
    return result;
  } catch (error) {
    return failed(error);
  }
}

/** Whether it is one already, and nothing that is to become one. */
export function isResult(result: unknown): result is PingResult {
  return typeof (result as Partial<PingResult> | undefined)?.outcome === 'string';
}

/** What was thrown, as a result. */
export function failed(thrown: unknown): PingResult {
  if (thrown instanceof FinitError) return { outcome: 'failed', error: thrown };
  return {
    outcome: 'failed',
    error: new FinitError('FINIT_SYSTEM', 'the target itself has failed', { cause: thrown }),
  };
}
