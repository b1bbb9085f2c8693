/** What goes beside a service's record: the present state of its conditions, its uptime. */
import { uptime as machineUptime } from 'node:os';
import * as conditions from '../conditions/index.js';
import type { Service } from '../services/index.js';
import type { ConditionNow, ShownService } from './status-format.js';

/** Conditions that finit would not take have no state: they are off. */
async function stateOf(name: string): Promise<ConditionNow> {
  try {
    return { name, state: await conditions.get(name) };
  } catch {
    return { name, state: 'off' };
  }
}

/** Services with the present state of their conditions. */
export async function shown(all: readonly Service[]): Promise<ShownService[]> {
  const states = new Map<string, ConditionNow>();
  for (const { conditions: names } of all)
    for (const name of names) if (!states.has(name)) states.set(name, await stateOf(name));
  return all.map((service) => ({
    service,
    conditions: service.conditions.map((name) => states.get(name) ?? { name, state: 'off' }),
    uptime: uptimeOf(service),
  }));
}

/** The kernel's sysinfo(), which finit and initctl use, rounds up. */
function uptimeOf({ pid, uptime, startTime }: Service): number | undefined {
  if (pid === undefined) return undefined;
  if (uptime !== undefined) return uptime;
  return startTime === undefined ? undefined : Math.max(0, Math.ceil(machineUptime()) - startTime);
}
