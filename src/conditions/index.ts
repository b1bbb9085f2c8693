/**
 * finit's conditions: read them, wait for them, follow them, and set one's own.
 *
 * A condition is *on* when its file below `<runDir>/cond/` carries the current generation or is a symlink to `reconf`, in
 * *flux* when it has not been asserted again since the last reload, *off* when it is not there
 * (src/cond.c, finit 4.2 – 5.0-dev).
 */
export { isCut } from './names.js';
export { assertedAt, type Condition, get, list, statesOf } from './read.js';
export type { ConditionState } from './state.js';
export { clear, set } from './user.js';
export { type WaitOptions, wait } from './wait.js';
export { type ConditionChange, type WatchOptions, watch, watchGeneration } from './watch.js';
