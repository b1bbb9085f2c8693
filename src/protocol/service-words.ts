/** finit's words for states and types, as it prints and tells them. */
import type { ServiceState, ServiceType } from './service.js';

const states: ReadonlySet<string> = new Set<ServiceState>([
  ...(['halted', 'missing', 'crashed', 'stopped', 'busy', 'restart', 'conflict', 'done', 'failed'] as const),
  ...(['dead', 'cleanup', 'teardown', 'stopping', 'active', 'setup', 'paused', 'waiting'] as const),
  ...(['starting', 'running'] as const),
]);
const types: ReadonlySet<string> = new Set<ServiceType>(['service', 'task', 'run', 'tty', 'sysv']);

/** `'unknown'` for a word that is none of finit's. */
export function toServiceState(word: string): ServiceState {
  return states.has(word) ? (word as ServiceState) : 'unknown';
}

/** `'unknown'` for a word that is none of finit's. */
export function toServiceType(word: string): ServiceType {
  return types.has(word) ? (word as ServiceType) : 'unknown';
}
