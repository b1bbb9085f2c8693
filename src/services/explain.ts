/** Why a service is not running, or not ready. */
import { statesOf } from '../conditions/index.js';
import { checkServiceName } from '../protocol/job-string.js';
import type { ProcessExit, ServiceState } from '../protocol/service.js';
import { resolveRunDir } from '../run-dir.js';
import { type CallOptions, connect, Deadline } from '../transport/index.js';
import { list, unknownServices } from './find.js';
import { filesOf } from './finit-files.js';
import { explainAmong } from './reasons.js';
import type { Service, ServiceCondition } from './service.js';

/** What a {@link Reason} is about. */
export type ReasonKind =
  /** Its stanza is not for the runlevel that finit is in. */
  | 'runlevel'
  /** A condition is off or in flux: `condition`, and whose it is in `ownedBy` and `owner`. */
  | 'condition'
  /** finit has not found its program: `path`. */
  | 'missing-command'
  /** Its environment file is not there: `path`. */
  | 'missing-env'
  /** The terminal of a tty is not there: `path`. */
  | 'missing-device'
  /** One of these three, and which cannot be seen, or it is there by now. */
  | 'missing'
  /** It ended too often, and finit has given up: `exit`. */
  | 'crashed'
  /** It ended, and finit will start it again: `exit`. */
  | 'restarting'
  /** Somebody has stopped it. */
  | 'stopped'
  /** `manual:yes`, and nobody has started it yet. */
  | 'manual'
  /** It does not run beside another: `ownedBy`, `owner`. */
  | 'conflict'
  /** Its process is held by SIGSTOP, for a condition in flux. */
  | 'paused'
  /** A run or task that ended badly: `exit`. */
  | 'failed'
  /** Runs, and has not said that it is ready. */
  | 'not-ready'
  /** On its way to run. */
  | 'starting'
  /** On its way to its end. */
  | 'stopping'
  /** Its stanza's `if:` does not hold, or finit is about to remove it. */
  | 'disabled'
  /** A file tells finit to start nothing: `path`. */
  | 'norespawn'
  /** finit says a word that this package does not know. */
  | 'unknown'
  // Nothing is wrong with it:
  /** Runs, and does not tell when it is ready; a run or task that is at it. */
  | 'running'
  /** Runs, and is ready. */
  | 'ready'
  /** A run or task that has ended well. */
  | 'done';

/** One reason. Plain data. */
export interface Reason {
  kind: ReasonKind;
  /** In words, one line. Names and paths are as finit has them. */
  message: string;
  condition?: ServiceCondition;
  /** Identity of the service that it depends on. */
  ownedBy?: string;
  /** That service explained. Absent where it is explained elsewhere in the same tree already. */
  owner?: Explanation;
  /** {@link ownedBy} waits, itself or by others, for the very service that waits for it. */
  circle?: true;
  /** How its last process ended. */
  exit?: ProcessExit;
  /** The file that is not there, or is and should not be; as finit sees it. */
  path?: string;
}

/** A service and why it is not running or not ready; or since when it is. Plain data: JSON keeps all of it. */
export interface Explanation {
  /** Its identity. */
  service: string;
  /** Its state as it is: {@link Service.effectiveState}. */
  state: ServiceState;
  /** It runs, and is ready as far as it tells; a run or task: has ended well, or is at it. */
  ok: boolean;
  /** At least one. */
  reasons: Reason[];
}

/**
 * Why a service is not running or not ready: a tree of reasons, down to the root cause. {@link formatExplanation} makes lines of it.
 *
 * Asks finit for the list of services and the runlevel, nothing more. Files are looked for where finit sees them, if that can be told from
 * the run directory: `/run/finit` or `/proc/PID/root/run/finit`; where not, the message says what is possible.
 * @param name - as for `get`
 * @throws {FinitError} `FINIT_UNKNOWN_SERVICE`, `FINIT_INVALID_ARGUMENT`, or as `list`
 */
export async function explain(name: string, options: CallOptions = {}): Promise<Explanation> {
  checkServiceName(name);
  const deadline = new Deadline(options.timeout);
  const services = await list(options);
  const service = findNamed(services, name);
  if (service === undefined) throw unknownServices([name]);
  const { current } = await connect(options).runlevel({ ...options, timeout: deadline.left || 1 });
  const runDir = resolveRunDir(options);
  return explainAmong(service, {
    services,
    runlevel: current,
    stateOf: (condition) => statesOf([condition], { runDir }).get(condition) ?? 'off',
    files: filesOf(runDir),
  });
}

/** As finit finds it: the first that it can mean. */
function findNamed(services: readonly Service[], name: string): Service | undefined {
  const [job, id] = name.split(':');
  return (
    services.find(({ identity }) => identity === name) ??
    services.find((service) => service.name === name) ??
    services.find((service) => String(service.job) === job && (id === undefined || service.id === id))
  );
}
