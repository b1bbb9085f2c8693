/**
 * Who is told: what was chosen by use(), and else what this process finds in its arguments and environment.
 */
import { FinitError } from '../errors.js';
import { native } from '../native.js';
import { pipeTarget, socketTarget, type Target, unwatched } from './target.js';
import { hasEnvironmentToItself } from './threads.js';
import type { NotifyField, SupervisorKind } from './types.js';

/** What {@link use} takes. */
export type UseSupervisor =
  /** s6, and finit's `notify:s6`: the descriptor's number, 3 or more; `%n` in a finit stanza's arguments. */
  | { s6: number }
  /** dinit: of `ready-notification = pipefd:N` the number, of `pipevar:NAME` the variable's name. */
  | { dinit: number | string }
  /** Like NOTIFY_SOCKET. */
  | { socket: string };

/** Set by use(): taken before all others. */
let chosen: { target: Target | undefined } | undefined;
/** What was found, as long as NOTIFY_SOCKET is what it was then. */
let found: Target | undefined;
let foundWith: string | undefined | null = null;
/** What {@link currentTarget} would give without options, if that is known without looking at the environment. */
export let knownTarget: Target | undefined;
/** The last that was named in a call's options. */
let named: { socket: string; target: Target | undefined } | undefined;

/**
 * The supervisor to be told; undefined for none.
 *
 * NOTIFY_SOCKET is looked at in every call, so that one that has been changed or unset counts at once; by native code where that can be
 * done, as process.env takes 0.15 µs for it. `--s6-fd`, NOTIFY_FD and FINIT_SHIM are looked at in the first call, and when NOTIFY_SOCKET has changed.
 * @throws {FinitError} `FINIT_UNSUPPORTED`, `FINIT_NOTIFY_FAILED`, `FINIT_NO_ADDON`
 */
export function currentTarget(socket?: string): Target | undefined {
  if (socket !== undefined) return namedTarget(socket);
  if (chosen !== undefined) return chosen.target;
  const environment = process.env.NOTIFY_SOCKET;
  if (environment !== foundWith) {
    const before = found;
    found = find(environment);
    before?.close?.();
    foundWith = environment;
  }
  knownTarget = found?.watchesEnvironment ? found : undefined;
  return found;
}

function namedTarget(socket: string): Target | undefined {
  if (named?.socket === socket) return named.target;
  const before = named?.target;
  named = { socket, target: process.platform === 'linux' ? socketTarget(socket) : undefined };
  before?.close?.();
  return named.target;
}

/** Another thread may have got this one's environment: from now on it is looked at with Node's lock. */
function environmentIsShared(): void {
  knownTarget = undefined;
  if (found?.watchesEnvironment) foundWith = null;
}

function find(environment: string | undefined): Target | undefined {
  if (process.platform !== 'linux') return undefined;
  // The more particular first: with notify:s6, finit 4.4 – 4.12 sets NOTIFY_SOCKET too.
  const fd = s6Argument();
  if (fd !== undefined) return pipeTarget('s6', fd);
  if (environment) {
    // Bytes that are not UTF-8 are U+FFFD here, and another text for native code.
    const watch = hasEnvironmentToItself(environmentIsShared) && !environment.includes('\uFFFD');
    return socketTarget(environment, { shim: process.env.FINIT_SHIM === '1', watch });
  }
  const variable = process.env.NOTIFY_FD;
  return variable !== undefined && /^[0-9]+$/.test(variable) ? pipeTarget('s6', Number(variable)) : undefined;
}

/** `--s6-fd 3` or `--s6-fd=3` among the arguments of this program. */
function s6Argument(): number | undefined {
  for (const [i, argument] of process.argv.entries()) {
    if (argument === '--') return undefined;
    const value = argument === '--s6-fd' ? process.argv[i + 1] : /^--s6-fd=(.*)$/.exec(argument)?.[1];
    if (value !== undefined && /^[0-9]+$/.test(value)) return Number(value);
  }
  return undefined;
}

/**
 * Names the supervisor, where this process cannot find it out by itself, or shall not. It holds for this thread.
 * @param supervisor - undefined: to find it out again. `{ dinit: 'NAME' }` with no such variable: nobody supervises.
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` when it is none of {@link UseSupervisor}, or a descriptor below 3; what
 *   `socket` may mean besides: `FINIT_UNSUPPORTED`, `FINIT_NOTIFY_FAILED`, `FINIT_NO_ADDON`.
 */
export function use(supervisor: UseSupervisor | undefined): void {
  const before = chosen?.target;
  chosen = supervisor === undefined ? undefined : { target: toTarget(supervisor) };
  before?.close?.();
  knownTarget = undefined;
  if (supervisor === undefined) foundWith = null;
}

function toTarget(supervisor: UseSupervisor): Target | undefined {
  const { s6, dinit, socket } = (supervisor ?? {}) as {
    s6?: number;
    dinit?: number | string;
    socket?: string;
  };
  const linux = process.platform === 'linux';
  if (typeof socket === 'string') return linux ? socketTarget(socket) : undefined;
  const value = typeof dinit === 'string' ? process.env[dinit] : (s6 ?? dinit);
  if (typeof dinit === 'string' && value === undefined) return undefined;
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const fd = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(fd >= 3 && fd <= 0x7fffffff))
    throw new FinitError(
      'FINIT_INVALID_ARGUMENT',
      `use() takes { s6: FD }, { dinit: FD or a variable's name } or { socket }, with a descriptor of 3 or more; not ${
        text === '' ? process.getBuiltinModule('node:util').inspect(supervisor) : text
      }`,
    );
  return linux ? pipeTarget(s6 === undefined ? 'dinit' : 's6', fd) : undefined;
}

/**
 * Keeps programs that are started from now on from inheriting what leads to the supervisor: NOTIFY_SOCKET and NOTIFY_FD are deleted from
 * process.env, an inherited descriptor becomes close-on-exec. This thread itself can notify as before; worker threads
 * that are started later cannot.
 */
export function unset(): void {
  try {
    const target = currentTarget();
    if (target?.fd !== undefined) native().closeOnExec(target.fd);
    if (target?.watchesEnvironment) {
      found = unwatched(target);
      target.close?.();
    }
  } catch (error) {
    // Nobody who can be reached: there is nothing to keep.
    if (!(error instanceof FinitError)) throw error;
    found = undefined;
  }
  delete process.env.NOTIFY_SOCKET;
  delete process.env.NOTIFY_FD;
  foundWith = undefined;
  knownTarget = undefined;
}

function seen(): Target | undefined {
  try {
    return currentTarget();
  } catch (error) {
    if (error instanceof FinitError) return undefined;
    throw error;
  }
}

const NOTHING: readonly NotifyField[] = Object.freeze([]);

/** What was found. Each property is looked up when it is read. */
export const supervisor: {
  /** See {@link SupervisorKind}. `none` also for a NOTIFY_SOCKET that makes no sense. */
  readonly kind: SupervisorKind;
  /** NOTIFY_SOCKET, or a descriptor's number; undefined for `none`. */
  readonly address: string | undefined;
  /** What it acts on; all else it drops, or is not sent to it. */
  readonly understands: readonly NotifyField[];
} = Object.freeze(
  Object.defineProperty(
    {
      get kind() {
        return seen()?.kind ?? 'none';
      },
      get address() {
        return seen()?.address;
      },
      get understands() {
        return seen()?.understands ?? NOTHING;
      },
    },
    // Else console.log() shows three times [Getter].
    Symbol.for('nodejs.util.inspect.custom'),
    {
      value(this: object) {
        return { ...this };
      },
    },
  ),
);
