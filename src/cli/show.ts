/** Services in the form in which they are shown. */
import { findGroup, tree } from '../cgroups/index.js';
import { isFinitError } from '../errors.js';
import type { Service } from '../services/index.js';
import { PATIENCE } from './flags.js';
import type { ShownService } from './status-format.js';

/** Services with the present state of their conditions. */
export function shown(all: readonly Service[]): ShownService[] {
  return all.map((service) => ({ service, conditions: service.conditions, uptime: service.uptime }));
}

/** One service, with its control group where finit has some. */
export async function shownWithGroup(service: Service): Promise<ShownService> {
  const alone: ShownService = { service, conditions: service.conditions, uptime: service.uptime };
  if (service.pid === undefined) return alone;
  try {
    const group = findGroup(await tree({ timeout: PATIENCE }), service.identity);
    return group === undefined
      ? alone
      : { ...alone, cgroup: { path: group.path, memory: group.memory?.current } };
  } catch (error) {
    // Without control groups there is nothing to say about them.
    if (isFinitError(error)) return alone;
    throw error;
  }
}
