/**
 * What a service tells its supervisor: that it is ready, what it is doing, that it stops, that it is alive.
 *
 * Nothing here throws because of where it runs: without a supervisor, or where there is no finit at all, it says so in its
 * result. All of it but {@link barrier} is synchronous, needs no event loop, works in worker threads, and does not block, but for some
 * milliseconds right after a start by finit (see RETRIES in target.ts), and 100 ms at most for a vsock connection.
 */
export type { Notification, NotifyAccess } from '../protocol/notify-text.js';
export { type BarrierOptions, barrier } from './barrier.js';
export {
  access,
  busError,
  errno,
  exitStatus,
  extendTimeout,
  mainPid,
  ready,
  reloading,
  removeFds,
  type StoreFdsOptions,
  send,
  status,
  stopping,
  storeFds,
  watchdog,
  watchdogTimeout,
  watchdogTrigger,
} from './calls.js';
export { type ListenFd, listenFds } from './listen-fds.js';
export { type Disposer, onReload } from './reload.js';
export { supervisor, type UseSupervisor, unset, use } from './supervisor.js';
export type { NotifyField, NotifyOptions, NotifyResult, SupervisorKind } from './types.js';
