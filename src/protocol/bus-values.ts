/**
 * What finit 5 says on its bus, as the values that every other way gives too (src/dbus.c, 5.0-dev).
 */
import { FinitError } from '../errors.js';
import { type Runlevel, runlevelOf, runlevelsOf, type Service } from './service.js';
import { toServiceState, toServiceType } from './service-words.js';
import { encodeText } from './text.js';
import { decodeWaitStatus } from './wait-status.js';

/** A message's body, by D-Bus property: texts, numbers and booleans. */
export type BusProperties = Readonly<Record<string, unknown>>;

const SERVICES = '/org/finit/service/';
/** Objects with longer names are not registered: LINK_PATH_MAX in libink/internal.h, with its NUL. */
const LONGEST_PATH = 107;

/** The object of a service: bytes other than letters and digits are `_` and two hex digits (libink/path.c). */
export function servicePath(identity: string): string {
  const bytes = [...encodeText(identity)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return SERVICES + bytes.join('');
}

/** Whether finit has an object for a service: for one with a long name it has not. */
export function hasServiceObject(identity: string): boolean {
  return servicePath(identity).length <= LONGEST_PATH;
}

/**
 * A service from its properties (org.finit.Service1).
 * @throws {FinitError} `FINIT_BAD_REPLY` when one that ought to be there is not, or is of another type.
 */
export function toService(properties: BusProperties): Service {
  const text = (name: string) => take(properties, name, 'string');
  const number = (name: string) => take(properties, name, 'number');
  const flag = (name: string) => take(properties, name, 'boolean');
  const identity = text('Identity');
  const colon = identity.indexOf(':');
  const type = toServiceType(text('Type'));
  const state = toServiceState(text('State'));
  const pid = number('Pid');
  const status = number('ExitStatus') | 0;
  const restarts = number('RestartsTotal');
  const ended = status !== 0 || state === 'done' || state === 'failed' || restarts > 0;
  const exit = ended ? decodeWaitStatus(status) : undefined;
  const [command = '', ...args] = splitCommand(text('Command'));
  // What finit would call it with now.
  if (type === 'sysv') args.pop();
  const rawConditions = text('Conditions');
  return {
    identity,
    name: colon < 0 ? identity : identity.slice(0, colon),
    id: colon < 0 ? '' : identity.slice(colon + 1),
    type,
    state,
    effectiveState:
      state === 'running' && pid === 0 && type === 'service'
        ? 'missing'
        : state === 'done' && status !== 0
          ? 'failed'
          : state,
    ...(pid > 0 && { pid, uptime: number('Uptime') }),
    ...(exit && { exit }),
    restarts,
    crashes: number('RestartCount'),
    maxCrashes: number('RestartMax') | 0,
    command,
    args,
    conditions: rawConditions.split(',').filter((condition) => condition !== ''),
    rawConditions,
    runlevels: runlevelsOf(number('Runlevels')),
    user: text('User'),
    group: text('Group'),
    description: text('Description'),
    origin: text('Origin'),
    environmentFile: text('Environment'),
    pidFile: text('PidFile').replace(/^!/, ''),
    forking: flag('Forking'),
    manual: flag('ManualStart'),
    starts: number('Starts'),
  };
}

/**
 * The command and its arguments, which finit keeps apart, and tells separated by blanks: what is in quotes is one, with them. (Of quotes
 * within quotes finit itself makes something else: parse_args() and the concatenation in src/service.c.)
 */
function splitCommand(text: string): string[] {
  const words: string[] = [];
  let quote = '';
  for (const word of text.split(' ')) {
    if (quote !== '') words.push(`${words.pop()} ${word}`);
    else {
      words.push(word);
      if (/^["']/.test(word)) quote = word.charAt(0);
    }
    if (quote !== '' && word.endsWith(quote)) quote = '';
  }
  return words;
}

interface Types {
  string: string;
  number: number;
  boolean: boolean;
}

/** @throws {FinitError} `FINIT_BAD_REPLY` */
export function take<T extends keyof Types>(properties: BusProperties, name: string, type: T): Types[T] {
  const value = properties[name];
  if (typeof value !== type)
    throw new FinitError('FINIT_BAD_REPLY', `finit's ${name} is no ${type} but ${typeof value}`);
  return value as Types[T];
}

/** A runlevel as `runlevel(8)` writes it; undefined for N, and for what is none. */
export function toRunlevel(text: string): Runlevel | undefined {
  if (text === 'S') return 'S';
  return /^[0-9]$/.test(text) ? runlevelOf(Number(text)) : undefined;
}
