/** What a service is to the users of this package: finit's record, and the state of what it waits for. */
import { uptime as machineUptime } from 'node:os';
import { type ConditionState, statesOf } from '../conditions/index.js';
import type { Service as ServiceRecord } from '../protocol/service.js';
import { resolveRunDir } from '../run-dir.js';
import type { CallOptions } from '../transport/index.js';

/** A condition that a service needs, and its state when the service was asked for. */
export interface ServiceCondition {
  name: string;
  state: ConditionState;
}

/** One service, run, task, tty or sysv stanza as finit has it. Plain data: JSON keeps all of it. */
export interface Service extends Omit<ServiceRecord, 'conditions'> {
  /** The conditions that it needs, all of them, with their states. */
  conditions: ServiceCondition[];
}

/** Adds what a record does not hold. */
export function complete(records: readonly ServiceRecord[], options: CallOptions): Service[] {
  const names = new Set(records.flatMap(({ conditions }) => conditions));
  const states = names.size === 0 ? undefined : statesOf(names, { runDir: resolveRunDir(options) });
  // As the kernel's sysinfo(), which finit and initctl use, has it: rounded up.
  const now = Math.ceil(machineUptime());
  return records.map((record) => {
    // A record is nobody else's: it is changed rather than copied.
    const service = record as unknown as Service;
    service.conditions = record.conditions.map((name) => ({ name, state: states?.get(name) ?? 'off' }));
    if (record.pid !== undefined && record.startTime !== undefined)
      service.uptime = Math.max(0, now - record.startTime);
    return service;
  });
}

/**
 * For how long a service's process has been there, in seconds, as of now; undefined without one. The machine's clock: also in a sandbox.
 * {@link Service.uptime} is the same as of when finit answered.
 */
export function uptime(service: Pick<Service, 'startTime'>): number | undefined {
  return service.startTime === undefined ? undefined : Math.max(0, machineUptime() - service.startTime);
}
