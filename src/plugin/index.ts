/** Plugins: JavaScript or TypeScript that reacts to what finit does, in a process of their own beside PID 1. */
export type {
  CallOptions,
  On,
  PluginConditions,
  PluginContext,
  PluginServices,
  PluginSystem,
} from './context.js';
export { definePlugin, type Plugin } from './define.js';
export type { HostOptions, HostResult } from './host.js';
export { loadPlugin } from './loader.js';
export { type Log, type LogLevel, type LogSink, prioritySink, standardSink } from './log.js';
export { runPlugins } from './run.js';
