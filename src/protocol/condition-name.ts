/** Names of conditions, and patterns over them. */
import { FinitError } from '../errors.js';

/**
 * How many bytes of a condition's name finit 4.x keeps: it cuts the whole path `/var/run/finit/cond/<name>` at 63
 * (MAX_ARG_LEN - 1 in cond_path(), src/cond.c, 4.2 – 4.17). 5.0 has no such limit.
 */
export const MAX_NAME_4X = 43;

const USR = 'usr/';

/** A name as finit keeps it: its first `limit` bytes. */
export function cutConditionName(name: string, limit: number | undefined): string {
  // A character has at most three bytes for each unit of its string.
  if (limit === undefined || name.length * 3 <= limit || Buffer.byteLength(name) <= limit) return name;
  return Buffer.from(name).toString('utf8', 0, limit);
}

function invalid(name: string, why: string): FinitError {
  return new FinitError('FINIT_INVALID_CONDITION', `invalid condition name ${JSON.stringify(name)}: ${why}`, {
    subject: name,
  });
}

/**
 * A condition's full name. As for `initctl cond`, a bare name means `usr/<name>`.
 * @param name e.g. `service/web/ready`, or `open-for-business` for `usr/open-for-business`
 * @param maxLength in bytes, {@link MAX_NAME_4X} for finit 4.x; without it there is no limit
 * @throws {FinitError} `FINIT_INVALID_CONDITION`
 */
export function parseConditionName(name: string, maxLength?: number): string {
  if (typeof name !== 'string') throw invalid(String(name), 'a string is expected');
  if (name === '') throw invalid(name, 'it is empty');
  if (name.includes('\0')) throw invalid(name, 'it contains a NUL');
  // What separates or encloses conditions in a stanza's <a,b> cannot be part of one.
  if (/[\s,<>]/.test(name)) throw invalid(name, 'blanks and the characters , < > cannot be part of a name');
  const full = name.includes('/') ? name : USR + name;
  if (full.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw invalid(name, 'it has an empty segment, or one that is . or ..');
  const length = Buffer.byteLength(full);
  if (maxLength !== undefined && length > maxLength)
    throw invalid(
      name,
      `<${full}> has ${length} bytes, and finit 4.x cuts names after ${maxLength}, so that it would stand for others too`,
    );
  return full;
}

/**
 * The same for a condition that is to be set or cleared from outside: only those in `usr/` can be, and their names hold no
 * `/` and no `.` (do_cond_act(), src/initctl.c).
 * @throws {FinitError} `FINIT_INVALID_CONDITION`
 */
export function parseUserConditionName(name: string, maxLength?: number): string {
  const full = parseConditionName(name, maxLength);
  if (!full.startsWith(USR))
    throw invalid(
      name,
      'only conditions in usr/ can be set and cleared from outside finit; others belong to finit and its plugins',
    );
  const rest = full.slice(USR.length);
  if (rest.includes('/')) throw invalid(name, 'a usr/ condition has no further /');
  if (rest.includes('.')) throw invalid(name, 'a usr/ condition has no .');
  return full;
}

/** Tells whether a condition's full name is meant. */
export type ConditionMatcher = (name: string) => boolean;

/**
 * Patterns over full names: `*` stands for anything within one segment, `**` for any number of segments. A pattern without `/`
 * means `usr/<pattern>`, but for `**` alone, which is everything.
 * @throws {FinitError} `FINIT_INVALID_CONDITION`
 */
export function compileConditionPattern(pattern: string | readonly string[]): ConditionMatcher {
  const patterns: readonly string[] = Array.isArray(pattern) ? pattern : [pattern];
  if (patterns.length === 0) throw invalid('', 'no pattern was given');
  const matchers = patterns.map(compileOne);
  return (name) => matchers.some((matches) => matches(name));
}

function compileOne(pattern: string): ConditionMatcher {
  const full = pattern === '**' ? pattern : parseConditionName(pattern);
  if (!full.includes('*')) return (name) => name === full;
  const parts = full.split('/').map((segment) => {
    if (segment === '**') return '**';
    return segment
      .split('*')
      .map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('[^/]*');
  });
  // '**' takes its neighbouring slash along, so that 'a/**' also covers 'a/b' and '**/c' also 'c'.
  const source = parts.reduce((sum, part, i) => {
    if (part === '**') return i === parts.length - 1 ? `${sum}.+` : `${sum}(?:[^/]+/)*`;
    return i === parts.length - 1 ? sum + part : `${sum}${part}/`;
  }, '');
  const expression = new RegExp(`^${source}$`, 'u');
  return (name) => expression.test(name);
}
