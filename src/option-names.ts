import { FinitError } from './errors.js';
import { nearest } from './nearest.js';

/**
 * That options are an object, with no names but these: a slip of the pen would go unnoticed else, and with it what was meant.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function checkNames(what: string, options: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null)
    throw new FinitError('FINIT_INVALID_ARGUMENT', `${what} takes an object, not ${kindOf(options)}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const hint = nearest(name, Object.keys(names));
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `${what} knows no ${JSON.stringify(name)}${hint === undefined ? '' : `, did you mean ${hint}?`}`,
    );
  }
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
