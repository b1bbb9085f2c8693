/** How a service that runs stands with its readiness. */
import type { Reason } from './explain.js';
import type { World } from './reasons.js';
import type { Service } from './service.js';
import { durationWords, how } from './words.js';

/** `ready`, `not-ready`, or `running` for what does not tell. */
export function readinessOf(service: Service, world: World): Reason {
  const { identity, type } = service;
  const since = `${duration(service)}${unrest(service)}`;
  if (service.pid === undefined)
    return { kind: 'starting', message: 'finit says that it runs, and it has no process' };
  if (type === 'run' || type === 'task') return { kind: 'running', message: `it is at it${since}` };
  if (type === 'tty') return { kind: 'running', message: `running${since}` };
  const state = world.stateOf(`service/${identity}/ready`);
  if (state === 'on') return { kind: 'ready', message: `running${since}, and ready` };
  // Up to 4.3 there is no such condition, only that of the PID file; and some ways to finit do not tell the kind.
  if (service.notify === undefined && world.stateOf(`pid/${identity}`) === 'on')
    return { kind: 'ready', message: `running${since}, and ready: its PID file is there` };
  const knowsReadiness = world.stateOf(`service/${identity}/running`) === 'on';
  if (service.notify === 'none' || (service.notify === undefined && !knowsReadiness))
    return { kind: 'running', message: `running${since}; it does not tell when it is ready` };
  const again = state === 'flux' ? ' again since the last reload' : '';
  return { kind: 'not-ready', message: `running${since}, ${toDo(service, again, world)}` };
}

/** What has to happen, by its kind of notification: src/service.c and plugins/pidfile.c, 4.4 … 5.0-dev. */
function toDo(
  { notify, pidFile, identity, args }: Service,
  again: string,
  { files, stateOf }: World,
): string {
  switch (notify) {
    case 'systemd':
      return `and it has not said READY=1${again || ' yet'} (notify:systemd)`;
    case 's6':
      // service_start() in src/service.c writes the number in its place.
      return args.some((arg) => arg.includes('%n'))
        ? `and it has not written its line to the descriptor${again || ' yet'} (notify:s6)`
        : 'and it cannot know which descriptor to write to: its arguments lack %n, as in --s6-fd %n (notify:s6)';
    case 'pid': {
      if (again !== '') return `and it has not touched its PID file${again} (notify:pid)`;
      if (pidFile === '') return 'and it has made no PID file yet (notify:pid)';
      if (files.exists(pidFile) === true && stateOf(`pid/${identity}`) !== 'on')
        return `and finit has not taken its PID file ${pidFile} yet (notify:pid)`;
      return `and its PID file ${pidFile} is not there yet (notify:pid)`;
    }
    default:
      return `and it has not said that it is ready${again || ' yet'}`;
  }
}

function unrest({ crashes = 0, maxCrashes = -1, exit }: Service): string {
  if (crashes === 0) return '';
  return ` (ended${how(exit)} and was started again: ${crashes}${maxCrashes > 0 ? ` of ${maxCrashes}` : ''} times of late)`;
}

function duration({ uptime }: Service): string {
  return uptime === undefined ? '' : ` for ${durationWords(uptime)}`;
}
