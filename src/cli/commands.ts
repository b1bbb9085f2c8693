import type { Command } from './command.js';

interface Entry {
  summary: string;
  /** Each command's file, and what it imports, is loaded only when it is used. */
  load(): Promise<Command>;
}

/** All commands. The summaries stand here, so that the list of commands loads none of them. */
export const commands: Record<string, Entry> = Object.assign(Object.create(null), {
  plugin: {
    summary: 'run plugins',
    load: async () => (await import('./plugin.js')).command,
  },
  status: {
    summary: 'show services, or one of them',
    load: async () => (await import('./status.js')).command,
  },
  start: {
    summary: 'start services',
    load: async () => (await import('./service-action.js')).start,
  },
  stop: {
    summary: 'stop services',
    load: async () => (await import('./service-action.js')).stop,
  },
  restart: {
    summary: 'restart services',
    load: async () => (await import('./service-action.js')).restart,
  },
  cond: {
    summary: 'show, set and clear conditions',
    load: async () => (await import('./cond.js')).command,
  },
  wait: {
    summary: 'wait for conditions',
    load: async () => (await import('./wait.js')).command,
  },
  watch: {
    summary: 'follow conditions',
    load: async () => (await import('./watch.js')).command,
  },
  events: {
    summary: 'follow everything: conditions, services, reloads, runlevels',
    load: async () => (await import('./events.js')).command,
  },
  runlevel: {
    summary: 'show or change the runlevel',
    load: async () => (await import('./runlevel.js')).command,
  },
  reload: {
    summary: "reload finit's configuration",
    load: async () => (await import('./reload.js')).command,
  },
  sandbox: {
    summary: 'boot a real finit in namespaces',
    load: async () => (await import('./sandbox.js')).command,
  },
} satisfies Record<string, Entry>);

/** One line for each. */
export function commandsHelp(): string {
  return Object.entries(commands)
    .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
    .join('\n');
}
