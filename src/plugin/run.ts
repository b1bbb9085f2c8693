import type { Plugin } from './define.js';
import type { HostOptions, HostResult } from './host.js';

/**
 * Runs plugins until it is told to stop or none is left. One that fails ends alone: an error in a handler is logged and the plugin
 * goes on; an error in setup, out of a timer or a promise, ends the plugin it came from. A plugin that blocks the event loop
 * blocks all: whoever does such work should do it in a worker or a host of its own.
 *
 * When all setups are done the host reports readiness, so that it can be a finit service with `notify:systemd`; after SIGHUP, which is how
 * finit reloads a service, it reports it again.
 *
 * The host is loaded when it is used: most who import this package run no plugins.
 * @param plugins files, or plugins
 * @throws {FinitError} `FINIT_INVALID_ARGUMENT` without any plugin, or for a thing that is neither a file's name nor a plugin
 */
export async function runPlugins(
  plugins: readonly (string | Plugin)[],
  options: HostOptions = {},
): Promise<HostResult> {
  const host = await import('./host.js');
  return await host.runPlugins(plugins, options);
}
