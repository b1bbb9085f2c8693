/** Services as `initctl status` shows them (src/initctl.c, 4.12 – 4.17): text and JSON. Nothing here asks anybody. */
import { formatRunlevels, type ProcessExit, type Runlevel, type Service } from '../services/index.js';
import type { ShimStatus } from '../shim/index.js';
import { inlineJson } from './json.js';
import { bold, coloured, cut, green, type HeadingStyle, headingLines, red, yellow } from './style.js';
import { exitWords, memoryWords, signalNumber, uptimeWords } from './words.js';

/** A condition of a service, as it is now. */
export interface ConditionNow {
  name: string;
  state: 'on' | 'off' | 'flux';
}

/** A service, and what its record does not say. */
export interface ShownService {
  service: Service;
  conditions: readonly ConditionNow[];
  /** In whole seconds; absent: no process, or not known. */
  uptime?: number | undefined;
  /** Its cgroup, below finit's root, and the memory in use, in bytes. */
  cgroup?: { path: string; memory?: number | undefined } | undefined;
}

export interface TableStyle extends HeadingStyle {
  heading: boolean;
  /** Commands instead of descriptions. */
  verbose: boolean;
  /** Highlighted. */
  runlevel?: Runlevel | undefined;
}

/** How wide the first two columns are: col_widths(). */
export function columnWidths(all: readonly Service[]): { pid: number; identity: number } {
  return {
    pid: Math.max(3, ...all.map(({ pid = 0 }) => String(pid).length)),
    identity: Math.max(6, ...all.map(({ identity }) => identity.length)),
  };
}

/**
 * The table of services.
 * @param all for the widths of the columns
 */
export function statusTable(
  shown: readonly Service[],
  all: readonly Service[],
  { heading, verbose, runlevel, ...style }: TableStyle,
): string[] {
  const widths = columnWidths(all);
  const row = (pid: string, identity: string, status: string, runlevels: string, last: string): string =>
    `${pid.padEnd(widths.pid)}  ${identity.padEnd(widths.identity)}  ${status} ${runlevels} ${last}`;
  const title = row('PID', 'IDENT', 'STATUS  ', 'RUNLEVELS    ', verbose ? 'COMMAND' : 'DESCRIPTION').slice(
    0,
    LONGEST_TITLE,
  );
  const rows = shown.map((service) =>
    row(
      String(service.pid ?? 0),
      service.identity,
      paintState(service),
      highlight(formatRunlevels(service.runlevels), runlevel),
      cut(verbose ? commandLine(service) : service.description, before(widths), style.screen),
    ),
  );
  return [...(heading ? headingLines(title, style) : []), ...rows];
}

/** `char title[80]` in show_status(). */
const LONGEST_TITLE = 79;

/** Columns before the last one. */
function before({ pid, identity }: { pid: number; identity: number }): number {
  return pid + 2 + identity + 2 + 8 + 1 + 13 + 1;
}

function paintState({ state, effectiveState }: Service): string {
  const text = state.padEnd(8).slice(0, 8);
  if (['crashed', 'failed', 'missing', 'restart', 'conflict'].includes(effectiveState)) return red(text);
  return state === 'running' || state === 'done' ? green(text) : yellow(text);
}

function highlight(runlevels: string, current: Runlevel | undefined): string {
  return current === undefined || !coloured()
    ? runlevels
    : runlevels.replace(String(current), (level) => bold(level));
}

/** All about one service. */
export function statusDetails(shown: ShownService, runlevel: Runlevel | undefined): string[] {
  const { service, conditions, uptime, cgroup } = shown;
  const { state, exit = NEVER_ENDED, manual = false, pid = 0 } = service;
  const ended = state === 'running' ? '' : exitWords(exit, manual);
  const status = `${state}${ended}`;
  const rows: [string, string | undefined][] = [
    ['     Status ', paintStatus(service, status)],
    ['   Identity ', service.identity],
    ['Description ', service.description],
    ['     Origin ', service.origin || 'built-in'],
    ['Environment ', service.environmentFile || undefined],
    ['Condition(s)', conditions.length > 0 ? `<${conditionList(conditions)}>` : undefined],
    ['    Command ', commandLine(service)],
    ['   PID file ', service.pidFile || 'none'],
    ['        PID ', String(pid)],
    ['       User ', service.user],
    ['      Group ', service.group],
    ['     Uptime ', pid === 0 ? 'N/A' : uptimeWords(uptime ?? 0)],
    ['     Starts ', manual && service.starts !== undefined ? String(service.starts) : undefined],
    ['   Restarts ', `${service.restarts}${attempts(service)}`],
    ...shimRows(service.shim),
    ['  Runlevels ', highlight(formatRunlevels(service.runlevels), runlevel)],
    ['     Memory ', cgroup?.memory === undefined ? undefined : memoryWords(cgroup.memory)],
    ['     CGroup ', cgroup?.path],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
}

/** What initctl does not have: only there for what finit-shim runs. */
function shimRows(shim: ShimStatus | undefined): [string, string | undefined][] {
  if (shim === undefined) return [];
  const { state, ready, status, watchdog, restarts, main, listen, fdstore } = shim;
  const left = watchdog?.deadline ? Math.max(0, watchdog.deadline - Date.now()) : undefined;
  const pet = watchdog && [
    `${watchdog.timeout / 1000} s`,
    ...(left === undefined ? [] : [`next within ${(left / 1000).toFixed(1)} s`]),
    ...(watchdog.margin === null ? [] : [`least left ${(watchdog.margin / 1000).toFixed(1)} s`]),
    ...(watchdog.missed > 0 ? [`missed ${watchdog.missed}`] : []),
  ];
  const printable = status.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return [
    [
      '       Shim ',
      `${state}${ready || state === 'exited' ? '' : ', not ready'}${restarts > 0 ? `, ${restarts} restarts in place` : ''}`,
    ],
    ['   Main PID ', main ? String(main.pid) : undefined],
    // What has ended said that last, and listens no more.
    [state === 'exited' ? 'Last status ' : 'Status text ', printable || undefined],
    ['   Watchdog ', pet?.join(', ')],
    ['  Listening ', (state !== 'exited' && listen.join(' ')) || undefined],
    ['Descriptors ', fdstore > 0 ? `${fdstore} stored` : undefined],
  ];
}

/** finit keeps a status of 0 for what has never ended, and initctl shows it. */
const NEVER_ENDED: ProcessExit = { code: 0 };

function attempts({ crashes, maxCrashes }: Service): string {
  return crashes === undefined || maxCrashes === undefined ? '' : ` (${crashes}/${maxCrashes})`;
}

function paintStatus({ state, effectiveState, exit }: Service, text: string): string {
  if (effectiveState === 'failed' || (state === 'done' && exit && 'signal' in exit)) return red(text);
  if (state === 'running' || state === 'done') return green(text);
  return STOPPED.includes(state) ? bold(text) : yellow(text);
}

/** The words for the state machine's `halted`. */
const STOPPED: readonly string[] = ['halted', 'missing', 'crashed', 'stopped', 'busy', 'restart', 'conflict'];

/** The command with its arguments; finit adds one for a sysv script (svc_command()). */
export function commandLine({ command, args, type, state }: Service): string {
  const sysv = type === 'sysv' ? [STOPPED.includes(state) ? 'stop' : 'start'] : [];
  return [command, ...args, ...sysv].join(' ');
}

const SIGN = { on: '+', off: '-', flux: '~' } as const;

/** `+usr/a,-usr/b`: svc_cond(). */
export function conditionList(conditions: readonly ConditionNow[]): string {
  return conditions
    .map(({ name, state }) => (state === 'on' ? `+${name}` : bold(`${SIGN[state]}${name}`)))
    .join(',');
}

/** Conditions with their signs, as in initctl's JSON. */
export function signedConditions(conditions: readonly ConditionNow[]): string[] {
  return conditions.map(({ name, state }) => `${SIGN[state]}${name}`);
}

/** initctl's fields, in its order (json_status_one()), and after them what it does not tell. */
export function statusJson({
  service,
  conditions,
  uptime = 0,
  cgroup,
}: ShownService): Record<string, unknown> {
  const { pid = 0, exit = NEVER_ENDED } = service;
  return {
    identity: service.identity,
    description: service.description,
    type: service.type,
    forking: service.forking,
    status: service.state,
    ...(service.state !== 'running' && {
      exit: 'code' in exit ? { code: exit.code } : { signal: signalNumber(exit.signal) },
    }),
    origin: service.origin || 'built-in',
    command: commandLine(service),
    ...(service.environmentFile && { environment: service.environmentFile }),
    ...(conditions.length > 0 && { condition: signedConditions(conditions) }),
    ...(service.manual && service.starts !== undefined && { starts: service.starts }),
    restarts: service.restarts,
    ...(cgroup && {
      cgroup: cgroup.path,
      ...(cgroup.memory !== undefined && { memory: cgroup.memory }),
    }),
    pidfile: service.pidFile || 'none',
    pid,
    user: service.user,
    group: service.group,
    uptime: pid === 0 ? 0 : uptime,
    runlevels: service.runlevels,
    effectiveState: service.effectiveState,
    name: service.name,
    id: service.id,
    ...(service.crashes !== undefined && { crashes: service.crashes }),
    ...(service.maxCrashes !== undefined && { maxCrashes: service.maxCrashes }),
    ...(service.notify !== undefined && { notify: service.notify }),
    ...(service.manual !== undefined && { manual: service.manual }),
    ...(service.shim && { shim: service.shim }),
  };
}

/** One object, or a list of them, laid out as initctl does. */
export function jsonLines(value: Record<string, unknown> | readonly Record<string, unknown>[]): string[] {
  if (!Array.isArray(value)) return objectLines(value as Record<string, unknown>, '');
  const objects = (value as readonly Record<string, unknown>[]).map((one) =>
    objectLines(one, '  ').join('\n'),
  );
  return objects.length === 0 ? ['[]'] : ['[', objects.join(',\n'), ']'];
}

function objectLines(object: Record<string, unknown>, indent: string): string[] {
  const fields = Object.entries(object).map(
    ([name, value]) => `${indent}  ${JSON.stringify(name)}: ${inlineJson(value)}`,
  );
  return [`${indent}{`, fields.join(',\n'), `${indent}}`];
}
