/** Conditions that are not on, in words. */
import type { FinitFiles } from './finit-files.js';
import { providerOf } from './providers.js';
import type { Service, ServiceCondition } from './service.js';

/** What is the matter with a condition: `<service/db/ready> is off: it comes when db is ready`. */
export function conditionWords(
  { name, state }: ServiceCondition,
  owner: Service | undefined,
  files: FinitFiles,
): string {
  const subject = state === 'flux' ? `<${name}> is in flux` : `<${name}> is ${state}`;
  if (owner === undefined)
    return state === 'flux'
      ? `${subject}: it has not been asserted again since the last reload or change of runlevel`
      : `${subject}: ${providerOf(name)}`;
  if (state === 'flux')
    return `${subject}: ${owner.identity} has not asserted it again since the last reload or change of runlevel`;
  return `${subject}: ${fromOwner(name, owner, files)}`;
}

function fromOwner(name: string, owner: Service, files: FinitFiles): string {
  const { identity, type, pidFile } = owner;
  const [kind] = name.split('/');
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (owner.provides?.includes(name)) return `${identity} provides it when it is ready`;
  if (kind === 'pid') {
    if (owner.effectiveState !== 'running') return `it comes from the PID file of ${identity}`;
    if (pidFile === '') return `it comes from the PID file of ${identity}, and none has been seen yet`;
    const there = files.exists(pidFile);
    return `it comes from the PID file of ${identity}, ${pidFile}${there === false ? ', which is not there' : ''}`;
  }
  if (last === 'success') return `it comes when the ${type} ${identity} has ended well`;
  if (last === 'failure') return `it comes when the ${type} ${identity} has failed`;
  return last === 'ready' ? `it comes when ${identity} is ready` : `it is on while ${identity} is ${last}`;
}
