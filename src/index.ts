export * as conditions from './conditions/index.js';
export { FinitError, type FinitErrorCode, type FinitErrorDetails, isFinitError } from './errors.js';
export { DEFAULT_RUN_DIR, type FinitOptions, resolveRunDir } from './run-dir.js';
