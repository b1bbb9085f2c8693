/**
 * How services are named in requests: a job string is `name`, `name:id`, `job` or `job:id`; several are separated by blanks.
 * finit's svc_parse_jobstr() and do_find() (src/svc.c, src/api.c, 4.2 … 4.14) take them apart.
 */
import { FinitError } from '../errors.js';
import { DATA_LENGTH } from './control.js';
import { encodeText } from './text.js';

/**
 * Checks one name before it is sent to PID 1.
 *
 * - Blanks would make two names of it.
 * - finit skips, and acknowledges, a name without any of `a-z 0-9 _` (sanitize() in src/util.c).
 * - What begins with a digit is a job number to finit, whatever follows ("2nd" is job 2); and on a job number that
 *   does not fit in a long, svc_parse_jobstr() loops forever, inside PID 1 (seen on 4.12 and 4.14).
 *
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT`
 */
export function checkServiceName(name: unknown): asserts name is string {
  const refuse = (why: string): never => {
    const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : String(name);
    throw new FinitError('FINIT_INVALID_ARGUMENT', `Not a service name: ${shown}, ${why}`, {
      subject: shown,
    });
  };
  if (typeof name !== 'string') return refuse('it must be a string, "name" or "name:id"');
  if (name === '') return refuse('it is empty');
  if (name.includes('\0')) return refuse('it holds a NUL character');
  if (/\s/.test(name)) return refuse('it holds a blank; give several names as an array');
  const { length } = encodeText(name);
  if (length >= DATA_LENGTH) return refuse(`it has ${length} bytes, finit takes ${DATA_LENGTH - 1}`);
  if (!/[a-z0-9_]/i.test(name)) return refuse('finit ignores names without any of a-z, 0-9 and _');
  if (/^[0-9]/.test(name) && !/^[0-9]{1,9}(:|$)/.test(name))
    return refuse('finit takes what begins with a digit for a job number, of at most nine digits here');
}
