import { FinitError } from './errors.js';

/**
 * That what an option has as its signal is one. By what it can do, as Node does: there may be several AbortSignal classes.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')
    throw new FinitError('FINIT_INVALID_ARGUMENT', `signal: an AbortSignal, not ${String(signal)}`);
}
