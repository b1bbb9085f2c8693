/** What a service is to the users of this package: finit's record, and the state of what it waits for. */
import { uptime as machineUptime } from 'node:os';
import { type ConditionState, statesOf } from '../conditions/index.js';
import type { Service as ServiceRecord } from '../protocol/service.js';
import { resolveRunDir } from '../run-dir.js';
import { type ShimStatus, ShimStatuses } from '../shim/index.js';
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
  /** What finit-shim says of it, if that runs it: its status text, its watchdog, its restarts in place. */
  shim?: ShimStatus;
}

/**
 * Adds what a record does not hold. Each distinct condition is read once; without any, nothing is. A record is nobody else's: it is
 * changed rather than copied.
 */
export function complete(records: ServiceRecord[], options: CallOptions): Service[] {
  const names = new Set<string>();
  // As the kernel's sysinfo(), which finit and initctl use, has it: rounded up.
  let now: number | undefined;
  const shims = new ShimStatuses(options);
  for (const record of records) {
    const shim = shims.of(record.identity, record.pid);
    if (shim) (record as unknown as Service).shim = shim;
    for (const name of record.conditions) names.add(name);
    if (record.startTime === undefined || record.pid === undefined) continue;
    now ??= Math.ceil(bootClock());
    record.uptime = Math.max(0, now - record.startTime);
  }
  if (names.size === 0) return records as unknown as Service[];
  const states = statesOf(names, { runDir: resolveRunDir(options) });
  for (const record of records)
    if (record.conditions.length > 0)
      (record as unknown as Service).conditions = record.conditions.map((name) => ({
        name,
        state: states.get(name) ?? 'off',
      }));
  return records as unknown as Service[];
}

/** For so long, in milliseconds, the machine's clock is taken to go on as the wall clock does. */
const SAME_PACE = 250;
let read = { uptime: 0, at: Number.NEGATIVE_INFINITY };

/** Seconds since boot. Reading them takes as long as asking finit: not each time. */
function bootClock(): number {
  const now = Date.now();
  // Set back, or set forward, or the machine has slept: read again.
  if (!(now >= read.at && now - read.at < SAME_PACE)) read = { uptime: machineUptime(), at: now };
  return read.uptime + (now - read.at) / 1000;
}

/**
 * For how long a service's process has been there, in seconds, as of now; undefined without one. The machine's clock: also in a sandbox.
 * {@link Service.uptime} is the same as of when finit answered.
 */
export function uptime(service: Pick<Service, 'startTime'>): number | undefined {
  return service.startTime === undefined ? undefined : Math.max(0, machineUptime() - service.startTime);
}
