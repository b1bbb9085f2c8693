/**
 * What a service is, as plain data, and the words for its state.
 */

/**
 * A service's state, in the words of `initctl status` (svc_status() in finit's src/svc.h): made of the state machine's
 * state, the reason why it is blocked, and for run and task whether it has run.
 */
export type ServiceState =
  /** Not allowed in this runlevel. */
  | 'halted'
  /** Its command or its environment file does not exist. */
  | 'missing'
  /** Ended too often; finit has given up on it. */
  | 'crashed'
  /** Stopped by somebody, or `manual:yes` and not started yet. */
  | 'stopped'
  /** finit is busy with it. */
  | 'busy'
  /** Ended, and finit waits before starting it again. */
  | 'restart'
  /** A service that it conflicts with is there. */
  | 'conflict'
  /** run, task: has run. */
  | 'done'
  /** run, task: has not ended by itself. */
  | 'failed'
  /** About to be removed. */
  | 'dead'
  /** Its `cleanup:` script is running. Up to 4.9: its `post:` script. */
  | 'cleanup'
  /** Its `post:` script is running. Up to 4.9, finit says `cleanup`. */
  | 'teardown'
  /** Told to stop, and not gone yet. */
  | 'stopping'
  /** run, task: what `stopping` is for the others. */
  | 'active'
  /** Its `pre:` script is running. */
  | 'setup'
  /** A condition of it is in flux; its process has got SIGSTOP. finit 4.2 and 4.3 say `waiting`. */
  | 'paused'
  /** A condition of it is off. finit 4.2 and 4.3 say `ready`. */
  | 'waiting'
  /** finit 4.2 and 4.3 only: a condition of it is off. */
  | 'ready'
  | 'starting'
  | 'running'
  /** A state that this finit should not have. */
  | 'unknown';

/** The kind of stanza that a service comes from. */
export type ServiceType = 'service' | 'task' | 'run' | 'tty' | 'sysv' | 'unknown';

/** How a service says that it is ready: its `notify:`, or finit's `readiness`. */
export type NotifyKind = 'none' | 'pid' | 'systemd' | 's6' | 'unknown';

/** `'S'` is the runlevel of the bootstrap. */
export type Runlevel = 'S' | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** How a process ended. */
export type ProcessExit =
  | { /** Exit status, 0 – 255. */ code: number }
  | { /** E.g. `'SIGTERM'`; `'SIG34'` for one without a name. */ signal: string };

/** Where finit puts a service's processes, and with which limits: `cgroup.NAME,…` in its stanza. */
export interface CgroupSettings {
  /**
   * The group, below /sys/fs/cgroup, in which the service has its own one; `''` for the default, `system` (`user` for a tty). As
   * finit keeps it: up to 4.14 it may have settings behind a comma, `mygrp,mem.max`, and finit then uses `system`.
   *
   * Where its processes really are is in /proc/PID/cgroup, which is also where initctl looks.
   */
  name: string;
  /** E.g. `mem.max:100000000,cpu.weight:500`; `''` for none. */
  settings: string;
  /** Name of its own group, if the stanza gives one; `''`: that of its file without `.conf`. Absent before 4.15. */
  leafName?: string;
  /** It may make groups within its own. Absent before 4.15. */
  delegate?: boolean;
}

/** Where a service's output goes: `log` in its stanza. */
export interface LogSettings {
  to: 'syslog' | 'file' | 'null' | 'console';
  /** Only with `to: 'file'`. */
  file?: string;
  /** Facility and level, e.g. `local1.info`; `''` for the default, `daemon.info`. */
  priority: string;
  /** The tag; `''` for the default, the service's identity. */
  tag: string;
}

/** Scripts that finit runs for a service, as the stanza has them. Those that it has. */
export interface ServiceScripts {
  /** Before the start. */
  pre?: string;
  /** After the end. */
  post?: string;
  /** When it is ready. From 4.4. */
  ready?: string;
  /** When its stanza is gone. From 4.10. */
  cleanup?: string;
  /** Instead of SIGHUP or a restart. From 4.13. */
  reload?: string;
  /** Instead of a signal. From 4.13. */
  stop?: string;
}

/** What a tty stanza says of its terminal. */
export interface TtySettings {
  /** E.g. `/dev/ttyS0`, or `@console`. */
  device: string;
  /** Bits per second; `''` for the default. */
  baud: string;
  /** `TERM`; `''` for the default. */
  term: string;
  noclear: boolean;
  nowait: boolean;
  nologin: boolean;
  /** Has no device at all (`notty`). */
  notty: boolean;
  /** Asks for root's password (`rescue`). */
  rescue: boolean;
}

/** One service, run, task, tty or sysv stanza as finit has it. Plain data: JSON keeps all of it. */
export interface Service {
  /** `name`, or `name:id`: what finit and this package call it. */
  identity: string;
  name: string;
  /** `''` for a service without an id. */
  id: string;
  type: ServiceType;
  /** The state as `initctl` shows it. */
  state: ServiceState;
  /**
   * The state as it is. Differs from {@link state} where finit is misleading: `missing` for a service that is shown as
   * running although its command has vanished and there is no process, and `failed` for a run or task that is shown as done
   * although it ended with a status other than 0. Words that older finits use in another meaning are those of today.
   */
  effectiveState: ServiceState;
  /** Its process, in finit's pid namespace. Absent: none. A `pre:` or `post:` script's while one runs. */
  pid?: number;
  /** How its last process that ended did. Absent: none has, as far as one can tell. */
  exit?: ProcessExit;
  /** How often it has been started again, ever; for run and task how often it has run. */
  restarts: number;
  /**
   * How often it has crashed in short succession; at {@link maxCrashes} finit gives up. Not counted for ttys and `respawn`. Absent: the
   * way to finit does not tell.
   */
  crashes?: number;
  /** The stanza's `restart:`; -1 for `restart:always`. Absent: the way to finit does not tell. */
  maxCrashes?: number;
  /** When its process was started, in whole seconds since the machine's boot (the clock of `os.uptime()`). Absent: no process. */
  startTime?: number;
  /** For how long its process has been there when finit answered, in whole seconds. Absent: no process. */
  uptime?: number;
  /** The program. */
  command: string;
  /** Its arguments as finit keeps them: split at blanks, quotes kept. At most 63. */
  args: string[];
  /** The conditions that it needs, all of them, without `<` and `>`. */
  conditions: string[];
  /** The same as finit keeps it: names separated by commas. */
  rawConditions: string;
  /** In the order of `initctl`: S, then 0 to 9. */
  runlevels: Runlevel[];
  /** User and group that it runs as. */
  user: string;
  group: string;
  description: string;
  /** The file that its stanza is in, `''` when it is built in. */
  origin: string;
  /** Its `env:` file, a leading `-` (may be missing) kept; `''` for none. */
  environmentFile: string;
  /** Its PID file, `''` for none. */
  pidFile: string;
  /** The daemon makes the PID file itself (`pid:!…`), and forks. */
  forking: boolean;
  /** Absent: the way to finit does not tell. */
  notify?: NotifyKind;
  /**
   * service: reload with SIGHUP rather than stop and start; false for a stanza with `<!…>`. For run and task, where `<!…>` has
   * another meaning, true for those that have it. Absent: the way to finit does not tell.
   */
  sighup?: boolean;
  /** `manual:yes`: starts when asked only. Absent: the way to finit does not tell. */
  manual?: boolean;
  /** finit's job number, shared by services with the same command. Absent: the way to finit does not tell. */
  job?: number;

  // What follows is also absent where that finit has no such thing.
  /** How often a `manual:yes` stanza has been started (initctl's "Starts"). */
  starts?: number;
  /** `respawn`: started again without limit. Always so for a tty. */
  respawn?: boolean;
  /** `halt:`, the signal that it is stopped with, e.g. `'SIGTERM'`. */
  stopSignal?: string;
  /** `kill:`, how long finit waits after that before SIGKILL, in milliseconds. */
  killDelay?: number;
  cgroup?: CgroupSettings;
  /** Absent, too: its output is not redirected; it is a tty. */
  log?: LogSettings;
  /** Absent, too: it has none. */
  scripts?: ServiceScripts;
  /** Of a tty only. */
  tty?: TtySettings;
  /** `conflict:`, the services that it does not run beside. From 4.4; absent, too, for none. */
  conflicts?: string[];
  /** `if:`, as the stanza has it. From 4.4; absent, too, for none. */
  ifStatement?: string;
  /** A run or task that stays done until it is stopped. From 4.16. */
  remain?: boolean;
  /** `<~…>`: a reload of what it depends on is one of it, too. From 4.16. */
  reloadPropagates?: boolean;
  /** Supplementary groups. From 4.15; absent, too, for none. */
  supplementaryGroups?: string[];
  /** `caps:`. From 4.15; absent, too, for none. */
  capabilities?: string;
  /** `tty:` of a service, a terminal of its own. From 4.17; absent, too, for none. */
  controllingTerminal?: string;
  /** Conditions that it sets besides its own. From 5.0; absent, too, for none. */
  provides?: string[];
}

const blockedStates: readonly ServiceState[] = [
  'halted',
  'missing',
  'crashed',
  'stopped',
  'busy',
  'restart',
  'conflict',
];

/** Number of SVC_BLOCK_MISSING in svc_block_t, why a service is stopped. */
const BLOCK_MISSING = 1;

/** What svc_status() looks at. */
export interface StateFacts {
  /** The state machine's state, in that finit's words: a {@link ServiceState}. */
  machine: string;
  /** svc_block_t. */
  block: number;
  started: boolean;
  type: ServiceType;
  /** 0: no process. */
  pid: number;
  /** A raw waitpid() status. */
  status: number;
  /** Which finit's words these are: of 4.2, of 4.3, of 4.4 to 4.9, or of those since. */
  dialect: StateDialect;
}

export type StateDialect = '4.2' | '4.3' | '4.4' | '4.10';

/** The state as finit's initctl shows it: svc_status() in src/svc.h, 4.2 … 5.0-dev. */
export function shownState({ machine, block, started, type, dialect }: StateFacts): ServiceState {
  if (machine === 'halted') return blockedStates[block] ?? 'unknown';
  // 4.2 has no word for a failure.
  if (machine === 'done') return started || dialect === '4.2' ? 'done' : 'failed';
  if (machine === 'stopping') return type === 'run' || type === 'task' ? 'active' : 'stopping';
  return machine as ServiceState;
}

/** The state as it is: see {@link Service.effectiveState}. */
export function effectiveState(facts: StateFacts, shown: ServiceState = shownState(facts)): ServiceState {
  const { dialect } = facts;
  if (shown === 'running') return facts.pid === 0 && facts.block === BLOCK_MISSING ? 'missing' : shown;
  if (shown === 'done') return facts.status !== 0 ? 'failed' : shown;
  if (dialect === '4.10') return shown;
  if (shown === 'cleanup') return 'teardown';
  if (dialect === '4.4') return shown;
  return shown === 'ready' ? 'waiting' : shown === 'waiting' ? 'paused' : shown;
}

const BOOTSTRAP = 10;

/** finit's number for a runlevel, 10 for S, as a value; undefined for what is none. */
export function runlevelOf(number: number): Runlevel | undefined {
  if (number === BOOTSTRAP) return 'S';
  return Number.isInteger(number) && number >= 0 && number <= 9 ? (number as Runlevel) : undefined;
}

/** The runlevels in a bit mask. In 4.2 and 4.3 bit 0 is S, which they do not tell from 0 (conf_parse_runlevels() in src/conf.c). */
export function runlevelsOf(mask: number, dialect: StateDialect = '4.10'): Runlevel[] {
  const isOld = dialect === '4.2' || dialect === '4.3';
  const levels: Runlevel[] = [];
  if (mask & (1 << (isOld ? 0 : BOOTSTRAP))) levels.push('S');
  for (let level = isOld ? 1 : 0; level <= 9; level++)
    if (mask & (1 << level)) levels.push(level as Runlevel);
  return levels;
}

/** Runlevels as initctl prints them: `[S-12345-789]`. (That of 4.2 and 4.3 leaves the place of 0 out.) */
export function formatRunlevels(levels: readonly Runlevel[]): string {
  const order: Runlevel[] = ['S', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  return `[${order.map((level) => (levels.includes(level) ? level : '-')).join('')}]`;
}
