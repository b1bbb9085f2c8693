/**
 * The services of the init system: what there is, and starting and stopping it.
 */
export type {
  NotifyKind,
  ProcessExit,
  Runlevel,
  ServiceState,
  ServiceType,
} from '../protocol/service.js';
export { formatRunlevels } from '../protocol/service.js';
export type { CallOptions } from '../transport/index.js';
export { type ActOptions, reload, restart, signal, start, stop } from './act.js';
export { type Explanation, explain, type Reason, type ReasonKind } from './explain.js';
export { formatExplanation } from './explain-format.js';
export { dependents, findByCondition, get, list } from './find.js';
export { findByPid, self } from './process.js';
export type { WaitTarget } from './progress.js';
export { type Service, type ServiceCondition, uptime } from './service.js';
