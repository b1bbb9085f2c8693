import { getSystemErrorName } from 'node:util';

/** Name of an errno, e.g. `'ECONNREFUSED'`; `'errno 4095'` for one without. */
export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
