import { FinitError } from '../errors.js';

/**
 * A test for services: each pattern is an identity or a name, with `*` for any text. A pattern without `:` means all instances of
 * that name, as it does for `initctl`.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function compileServicePattern(
  patterns: string | readonly string[],
): (identity: string, name: string) => boolean {
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  const tests = list.map((pattern) => {
    if (typeof pattern !== 'string' || pattern === '' || /[\s\0/]/.test(pattern))
      throw new FinitError(
        'FINIT_INVALID_ARGUMENT',
        `no name of a service: ${JSON.stringify(pattern)}. Expected name, name:id, or a pattern such as "getty:*"`,
      );
    const text = pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    const expression = new RegExp(`^${text}$`, 's');
    return (identity: string, name: string): boolean =>
      expression.test(identity) || (!pattern.includes(':') && expression.test(name));
  });
  if (tests.length === 0)
    throw new FinitError('FINIT_INVALID_ARGUMENT', 'no service given to follow; "*" means all');
  return (identity, name) => tests.some((test) => test(identity, name));
}
