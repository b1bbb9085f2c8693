/** Services in the form in which they are shown. */
import type { Service } from '../services/index.js';
import type { ShownService } from './status-format.js';

/** Services with the present state of their conditions. */
export function shown(all: readonly Service[]): ShownService[] {
  return all.map((service) => ({ service, conditions: service.conditions, uptime: service.uptime }));
}
