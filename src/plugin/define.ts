import { FinitError } from '../errors.js';
import type { PluginContext } from './context.js';

/** A plugin: what a plugin file exports as its default. */
export interface Plugin {
  /** Letters, digits, `.`, `_`, `-`, at most 64; unique in its host. It stands before every line that the plugin logs. */
  name: string;
  /**
   * Called once. Subscribes, and may wait for what it needs; the host reports readiness to finit when all setups are done. A throw
   * or a rejection ends this plugin and no other.
   */
  setup(context: PluginContext): void | Promise<void>;
}

/**
 * Gives a plugin its types, and looks at it early.
 * @throws {FinitError} `FINIT_PLUGIN` when there is no usable name or no setup function
 */
export function definePlugin(plugin: Plugin): Plugin {
  const fault = pluginFault(plugin);
  if (fault !== undefined) throw new FinitError('FINIT_PLUGIN', `definePlugin: ${fault}`);
  return plugin;
}

/** What is wrong with a plugin; undefined: nothing. */
export function pluginFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null)
    return `expected an object { name, setup(context) }, got ${value === null ? 'null' : typeof value}`;
  const { name, setup } = value as Partial<Record<keyof Plugin, unknown>>;
  if (typeof name !== 'string') return 'it has no name; give it one: { name: "my-plugin", … }';
  if (!/^[\w.-]{1,64}$/.test(name))
    return `${JSON.stringify(name)} is no name for a plugin: use letters, digits, ".", "_" and "-", at most 64`;
  if (typeof setup !== 'function') return `${name} has no setup function; add: setup(context) { … }`;
  return undefined;
}
