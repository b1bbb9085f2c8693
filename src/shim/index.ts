/** finit-shim: where it is, and what the shims of this machine say of their services. */
export type { ShimStatus } from '../protocol/shim-status.js';
export { shimPath } from './path.js';
export { readShimStatus, ShimStatuses, type ShimStatusOptions } from './status.js';
