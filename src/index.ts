export * as cgroups from './cgroups/index.js';
export * as conditions from './conditions/index.js';
export { FinitError, type FinitErrorCode, type FinitErrorDetails, isFinitError } from './errors.js';
export * as events from './events/index.js';
export * as notify from './notify/index.js';
export { definePlugin, type Plugin, type PluginContext, runPlugins } from './plugin/index.js';
export { DEFAULT_RUN_DIR, type FinitOptions, resolveRunDir } from './run-dir.js';
export * as services from './services/index.js';
export * as system from './system/index.js';
