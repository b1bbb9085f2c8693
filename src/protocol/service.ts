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
  /** Its `cleanup:` script is running. */
  | 'cleanup'
  /** Its `post:` script is running. */
  | 'teardown'
  /** Told to stop, and not gone yet. */
  | 'stopping'
  /** run, task: what `stopping` is for the others. */
  | 'active'
  /** Its `pre:` script is running. */
  | 'setup'
  /** A condition of it is in flux; its process has got SIGSTOP. */
  | 'paused'
  /** A condition of it is off. */
  | 'waiting'
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
   * The state as it is. Differs from {@link state} where finit 4.x is misleading: `missing` for a service that is shown as
   * running although its command has vanished and there is no process, and `failed` for a run or task that is shown as done
   * although it ended with a status other than 0.
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

/** svc_block_t: why a service is stopped. Number of SVC_BLOCK_MISSING. */
const BLOCK_MISSING = 1;

/** What svc_status() looks at. */
export interface StateFacts {
  /** The state machine's state, by name: a {@link ServiceState}. */
  machine: string;
  /** svc_block_t. */
  block: number;
  started: boolean;
  type: ServiceType;
  /** 0: no process. */
  pid: number;
  /** A raw waitpid() status. */
  status: number;
}

/** The state as finit's initctl shows it: svc_status() in src/svc.h, 4.3 … 4.17. */
export function shownState({ machine, block, started, type }: StateFacts): ServiceState {
  if (machine === 'halted') return blockedStates[block] ?? 'unknown';
  if (machine === 'done') return started ? 'done' : 'failed';
  if (machine === 'stopping') return type === 'run' || type === 'task' ? 'active' : 'stopping';
  return machine as ServiceState;
}

/** The state as it is: see {@link Service.effectiveState}. */
export function effectiveState(facts: StateFacts): ServiceState {
  const shown = shownState(facts);
  if (shown === 'running' && facts.pid === 0 && facts.block === BLOCK_MISSING) return 'missing';
  if (shown === 'done' && facts.status !== 0) return 'failed';
  return shown;
}

const BOOTSTRAP = 10;

/** finit's number for a runlevel, 10 for S, as a value; undefined for what is none. */
export function runlevelOf(number: number): Runlevel | undefined {
  if (number === BOOTSTRAP) return 'S';
  return Number.isInteger(number) && number >= 0 && number <= 9 ? (number as Runlevel) : undefined;
}

/** The runlevels in a bit mask. */
export function runlevelsOf(mask: number): Runlevel[] {
  const order: Runlevel[] = ['S', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  return order.filter((level) => mask & (1 << (level === 'S' ? BOOTSTRAP : level)));
}

/** Runlevels as initctl prints them: `[S-12345-789]`. */
export function formatRunlevels(levels: readonly Runlevel[]): string {
  const order: Runlevel[] = ['S', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  return `[${order.map((level) => (levels.includes(level) ? level : '-')).join('')}]`;
}
