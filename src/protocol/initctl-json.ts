/**
 * What `initctl -p -b -j status` prints (json_status_one() in src/initctl.c, 4.4 … 5.0-dev) to {@link Service}s, also where it is
 * not valid JSON: up to 4.15 quotes and backslashes in texts are not escaped, and a list of none is nothing at all.
 *
 * What it prints is one member a line, so each line is taken by itself.
 */
import { FinitError } from '../errors.js';
import { type ProcessExit, type Runlevel, runlevelOf, type Service } from './service.js';
import { toServiceState, toServiceType } from './service-words.js';
import { decodeWaitStatus } from './wait-status.js';

type Members = Map<string, string>;

/**
 * The services in what initctl printed, one object or a list.
 * @throws {FinitError} `FINIT_BAD_REPLY` when it is none of these.
 */
export function parseInitctlStatus(text: string): Service[] {
  return splitObjects(text).map(toService);
}

function splitObjects(text: string): Members[] {
  const objects: Members[] = [];
  let open: Members | undefined;
  // Of `cpu` and `limits`, objects within the object, where there are cgroups (from 4.15 on); nothing of them is wanted.
  let depth = 0;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    const member = /^"(\w+)": (.*?),?$/.exec(trimmed);
    if (open !== undefined && member?.[2] === '{') depth++;
    else if (open !== undefined && depth > 0 && /^\},?$/.test(trimmed)) depth--;
    else if (open !== undefined && member) {
      if (depth === 0) open.set(member[1] ?? '', member[2] ?? '');
    } else if (open === undefined && trimmed === '{') open = new Map();
    else if (open !== undefined && /^\},?$/.test(trimmed)) {
      objects.push(open);
      open = undefined;
    } else if (!['', '[', ']', ','].includes(trimmed))
      throw bad(`a line that was not expected: ${trimmed.slice(0, 60)}`);
  }
  if (open !== undefined) throw bad('it ends within an object');
  return objects;
}

function toService(members: Members): Service {
  const text = (name: string) => unquote(members.get(name));
  const number = (name: string) => toInteger(name, members.get(name));
  const identity = text('identity');
  if (identity === '') throw bad('a service without an identity');
  const colon = identity.indexOf(':');
  const pid = number('pid') ?? 0;
  const state = toServiceState(text('status'));
  const exit = toExit(members.get('exit'));
  const type = toServiceType(text('type'));
  const [command = '', ...args] = text('command').split(' ');
  const conditions = toList(members.get('condition')).map((name) => name.replace(/^[-+~?]/, ''));
  const pidFile = text('pidfile');
  const origin = text('origin');
  const uptime = number('uptime');
  return {
    identity,
    name: colon < 0 ? identity : identity.slice(0, colon),
    id: colon < 0 ? '' : identity.slice(colon + 1),
    type,
    state,
    // As effectiveState() has it, from what is told here.
    effectiveState:
      state === 'running' && pid === 0 && type === 'service'
        ? 'missing'
        : state === 'done' && exit !== undefined && !('code' in exit && exit.code === 0)
          ? 'failed'
          : state,
    ...(pid > 0 && { pid }),
    ...(exit && { exit }),
    ...(pid > 0 && uptime !== undefined && { uptime }),
    restarts: number('restarts') ?? 0,
    command,
    args,
    conditions,
    rawConditions: conditions.join(','),
    runlevels: toRunlevels(members.get('runlevels')),
    user: text('user'),
    group: text('group'),
    description: text('description'),
    origin: origin === 'built-in' ? '' : origin,
    environmentFile: text('environment'),
    pidFile: pidFile === 'none' ? '' : pidFile,
    forking: members.get('forking') === 'true',
  };
}

/** From the first quote to the last: also where those in between are not escaped. */
function unquote(value = ''): string {
  if (value === '') return '';
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"'))
    throw bad(`no text: ${value.slice(0, 60)}`);
  try {
    return JSON.parse(value) as string;
  } catch {
    return value.slice(1, -1);
  }
}

function toInteger(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw bad(`${name} is no number: ${value.slice(0, 60)}`);
  return Number(value);
}

function toList(value = '[ ]'): string[] {
  const inner = /^\[(.*)\]$/.exec(value)?.[1];
  if (inner === undefined) throw bad(`no list: ${value.slice(0, 60)}`);
  return inner
    .split(',')
    .map((item) => item.trim().replace(/^"|"$/g, ''))
    .filter((item) => item !== '');
}

function toRunlevels(value: string | undefined): Runlevel[] {
  return toList(value)
    .map((level) => (level === 'S' ? 'S' : runlevelOf(Number(level))))
    .filter((level) => level !== undefined);
}

function toExit(value: string | undefined): ProcessExit | undefined {
  if (value === undefined) return undefined;
  const [, what, digits] = /^\{ "(code|signal)": (\d{1,3}) \}$/.exec(value) ?? [];
  if (what === undefined) throw bad(`no exit: ${value.slice(0, 60)}`);
  return decodeWaitStatus(what === 'code' ? Number(digits) << 8 : Number(digits));
}

function bad(why: string): FinitError {
  return new FinitError('FINIT_BAD_REPLY', `What initctl -j printed was not understood: ${why}`);
}
