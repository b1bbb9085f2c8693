/** The reasons why services are as they are, found in what is known of all of them. No I/O of its own. */
import type { ConditionState } from '../conditions/index.js';
import type { ProcessExit, Runlevel } from '../protocol/service.js';
import { conditionWords } from './condition-words.js';
import type { Explanation, Reason } from './explain.js';
import { ownerOf } from './find.js';
import type { FinitFiles } from './finit-files.js';
import { readinessOf } from './readiness-words.js';
import type { Service, ServiceCondition } from './service.js';
import { how, shimWords } from './words.js';

/** What is known. */
export interface World {
  services: readonly Service[];
  runlevel: Runlevel;
  stateOf(condition: string): ConditionState;
  files: FinitFiles;
}

/** Where the explanation of a whole tree is. */
interface Walk {
  world: World;
  /** Those that are being explained, the one that was asked for first. */
  path: readonly string[];
  /** All that have been explained. */
  told: Set<string>;
}

/** Why a service is as it is: service_step() in src/service.c, finit 4.2 … 5.0-dev. */
export function explainAmong(service: Service, world: World): Explanation {
  return tell(service, { world, path: [], told: new Set() });
}

function tell(service: Service, walk: Walk): Explanation {
  const { identity, effectiveState } = service;
  walk.told.add(identity);
  const reasons = reasonsOf(service, { ...walk, path: [...walk.path, identity] });
  const ok = reasons.every(({ kind }) => kind === 'running' || kind === 'ready' || kind === 'done');
  return { service: identity, state: effectiveState, ok, reasons };
}

function reasonsOf(service: Service, walk: Walk): Reason[] {
  const { world } = walk;
  switch (service.effectiveState) {
    case 'running':
      return [readinessOf(service, world)];
    case 'done':
      return [{ kind: 'done', message: `has run, and ended well`, ...exitOf(service) }];
    case 'failed':
      return [failed(service)];
    case 'halted':
      return halted(service, world);
    case 'stopped':
      return [stopped(service), ...outOfRunlevel(service, world), ...conditionsOf(service, walk)];
    case 'missing':
      return [...missing(service, world.files), ...outOfRunlevel(service, world)];
    case 'crashed':
      return [crashed(service), ...outOfRunlevel(service, world)];
    case 'restart':
      return [restarting(service), ...outOfRunlevel(service, world)];
    case 'conflict':
      return [...conflicts(service, walk), ...outOfRunlevel(service, world)];
    case 'paused':
      return [
        {
          kind: 'paused',
          message: 'its process is held (SIGSTOP) until its conditions are on again, or off',
        },
        ...conditionsOf(service, walk),
      ];
    case 'waiting':
      return waiting(service, walk);
    case 'setup':
      return [{ kind: 'starting', message: `its pre: script runs${quoted(service.scripts?.pre)}` }];
    case 'starting':
      return norespawn(world) ?? [{ kind: 'starting', message: 'finit is about to start it' }];
    case 'stopping':
    case 'active':
      return [
        { kind: 'stopping', message: 'it has been told to end, and has not yet' },
        ...outOfRunlevel(service, world),
      ];
    case 'teardown':
      return [{ kind: 'stopping', message: `its post: script runs${quoted(service.scripts?.post)}` }];
    case 'cleanup':
      return [{ kind: 'stopping', message: `its cleanup: script runs${quoted(service.scripts?.cleanup)}` }];
    case 'dead':
      return [{ kind: 'disabled', message: 'its stanza is gone, and finit is about to remove it' }];
    case 'busy':
      return [{ kind: 'starting', message: 'finit is busy with it' }];
    default:
      return [{ kind: 'unknown', message: `finit says ${service.state}, which node-finit does not know` }];
  }
}

function outOfRunlevel({ runlevels }: Service, { runlevel }: World): Reason[] {
  if (runlevels.includes(runlevel)) return [];
  const wanted = `[${runlevels.join('')}]`;
  return [{ kind: 'runlevel', message: `it is for runlevels ${wanted}, and finit is in ${runlevel}` }];
}

function halted(service: Service, world: World): Reason[] {
  const reasons = outOfRunlevel(service, world);
  if (reasons.length > 0) return reasons;
  if (service.ifStatement)
    return [{ kind: 'disabled', message: `its if:${service.ifStatement} does not hold` }];
  if (service.type === 'tty' && world.runlevel === 'S')
    return [{ kind: 'starting', message: 'terminals are started when the bootstrap is over' }];
  return (
    norespawn(world) ?? [{ kind: 'starting', message: 'it has ended, and finit is about to go on with it' }]
  );
}

function stopped(service: Service): Reason {
  const { identity, manual, starts = 0, exit, restarts } = service;
  const start = `node-finit start ${identity}`;
  const hasRun = starts > 0 || restarts > 0 || exit !== undefined;
  if (manual && !hasRun)
    return { kind: 'manual', message: `manual:yes, and nobody has started it yet: ${start}` };
  // Some ways to finit do not tell.
  const who =
    manual === undefined && !hasRun ? 'manual:yes, or somebody has stopped it' : 'somebody has stopped it';
  return { kind: 'stopped', message: `${who}: ${start}`, ...exitOf(service) };
}

function failed(service: Service): Reason {
  const again = service.manual ? `: node-finit start ${service.identity} runs it again` : '';
  return { kind: 'failed', message: `it ended${how(service.exit)}${again}`, ...exitOf(service) };
}

function crashed(service: Service): Reason {
  const { crashes = 0, maxCrashes, identity, scripts, restarts } = service;
  const again = `node-finit start ${identity}`;
  if (scripts?.pre && restarts === 0)
    return {
      kind: 'crashed',
      message: `its pre: script${quoted(scripts.pre)} failed${how(service.exit)}; then: ${again}`,
      ...exitOf(service),
    };
  // finit sets its counter back to 0 when it gives up (service_retry() in src/service.c).
  const attempts = crashes || (maxCrashes !== undefined && maxCrashes > 0 ? maxCrashes : restarts);
  const of = maxCrashes !== undefined && maxCrashes > 0 ? ` of ${maxCrashes}` : '';
  return {
    kind: 'crashed',
    message: `finit has given up on it after ${attempts}${of} restarts; it ended${how(service.exit)}${shimWords(service)}. When that is mended: ${again}`,
    ...exitOf(service),
  };
}

function restarting(service: Service): Reason {
  return {
    kind: 'restarting',
    message: `it ended${how(service.exit)}${shimWords(service)}, and finit will start it again${counted(service)}`,
    ...exitOf(service),
  };
}

/** service_start() in src/service.c: the program, then the environment file, then the terminal. */
function missing(service: Service, files: FinitFiles): Reason[] {
  const { command, environmentFile, identity, tty } = service;
  const start = `node-finit start ${identity}`;
  const found: Reason[] = [];
  if (files.isProgram(command) === false) {
    const where = command.startsWith('/')
      ? 'does not exist, or may not be executed'
      : 'is not in the PATH of finit';
    found.push({ kind: 'missing-command', message: `its program ${command} ${where}`, path: command });
  }
  const needed = environmentFile !== '' && !environmentFile.startsWith('-') ? environmentFile : undefined;
  if (needed !== undefined && files.exists(needed) === false)
    found.push({
      kind: 'missing-env',
      message: `its environment file ${needed} does not exist (with env:-${needed} it need not)`,
      path: needed,
    });
  const device = tty !== undefined && !tty.notty && tty.device.startsWith('/') ? tty.device : undefined;
  if (device !== undefined && files.exists(device) === false)
    found.push({ kind: 'missing-device', message: `its terminal ${device} does not exist`, path: device });
  if (found.length > 0) return found;
  const possible = [
    `its program ${command}`,
    ...(needed === undefined ? [] : [`its environment file ${needed}`]),
    ...(device === undefined ? [] : [`its terminal ${device}`]),
  ].join(', or ');
  return files.isProgram(command) === true
    ? [{ kind: 'missing', message: `finit did not find ${possible}; it is there now: ${start}` }]
    : [{ kind: 'missing', message: `finit did not find ${possible}` }];
}

function waiting(service: Service, walk: Walk): Reason[] {
  const reasons = [...conditionsOf(service, walk), ...outOfRunlevel(service, walk.world)];
  if (reasons.length > 0) return reasons;
  return (
    norespawn(walk.world) ?? [
      { kind: 'starting', message: 'all that it waits for is there; finit is about to start it' },
    ]
  );
}

function conditionsOf({ conditions }: Service, walk: Walk): Reason[] {
  return conditions
    .filter(({ state }) => state !== 'on')
    .map((condition) => conditionReason(condition, walk));
}

function conditionReason(condition: ServiceCondition, walk: Walk): Reason {
  const { services, files } = walk.world;
  const owner = ownerOf(condition.name, services);
  const message = conditionWords(condition, owner, files);
  if (owner === undefined) return { kind: 'condition', message, condition };
  return { kind: 'condition', message, condition, ...lead(owner, walk) };
}

/** On to another service, unless it has been told of already. */
function lead(owner: Service, walk: Walk): Pick<Reason, 'ownedBy' | 'owner' | 'circle'> {
  const ownedBy = owner.identity;
  if (walk.path.includes(ownedBy)) return { ownedBy, circle: true };
  return walk.told.has(ownedBy) ? { ownedBy } : { ownedBy, owner: tell(owner, walk) };
}

/** svc_conflicts() in src/svc.c. */
function conflicts(service: Service, walk: Walk): Reason[] {
  const names = service.conflicts ?? [];
  const others = walk.world.services.filter(
    (other) =>
      other.identity !== service.identity &&
      names.some((name) => name === other.identity || name === other.name) &&
      ACTIVE.includes(other.effectiveState),
  );
  if (others.length === 0)
    return [
      {
        kind: 'conflict',
        message:
          names.length > 0
            ? `it does not run beside ${names.join(', ')}`
            : 'it does not run beside another service',
      },
    ];
  return others.map((other) => ({
    kind: 'conflict',
    message: `it does not run beside ${other.identity}, which is ${other.effectiveState}`,
    ...lead(other, walk),
  }));
}

/** From SVC_STOPPING_STATE on. */
const ACTIVE: readonly string[] = ['stopping', 'active', 'setup', 'paused', 'waiting', 'starting', 'running'];

/** is_norespawn() in src/service.c. */
function norespawn({ files }: World): Reason[] | undefined {
  const path = ['/mnt/norespawn', '/tmp/norespawn'].find((file) => files.exists(file) === true);
  return path === undefined
    ? undefined
    : [{ kind: 'norespawn', message: `finit starts nothing while there is a file ${path}`, path }];
}

function counted({ crashes = 0, maxCrashes }: Service): string {
  if (crashes === 0) return '';
  return maxCrashes !== undefined && maxCrashes > 0
    ? ` (${crashes} of ${maxCrashes} times)`
    : ` (${crashes} times)`;
}

function exitOf({ exit }: Service): { exit?: ProcessExit } {
  return exit === undefined ? {} : { exit };
}

const quoted = (script: string | undefined): string => (script === undefined ? '' : ` ${script}`);
