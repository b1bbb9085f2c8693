import type { Entry } from './command.js';
import type { OptionSpec } from './options.js';

const force: OptionSpec = {
  long: 'timeout',
  short: 't',
  value: 'SECONDS',
  help: 'shut down by force after so long',
};

const waiting: readonly OptionSpec[] = [
  {
    long: 'wait',
    short: 'w',
    value: 'STATE',
    optional: true,
    words: ['running', 'ready', 'stopped', 'done'],
    help: 'wait until they have got there',
  },
  { long: 'timeout', value: 'TIME', help: 'for how long to wait: 10s, 500ms, 2m, 1h' },
];

const services = async () => await import('./service-action.js');
const conf = async () => await import('./conf.js');
const power = async () => await import('./power.js');

/** All commands. The summaries stand here, so that the list of commands loads none of them. */
export const commands: Readonly<Record<string, Entry>> = Object.assign(Object.create(null), {
  status: {
    summary: 'show services, or one of them; what is done without a command',
    usage: '[NAME[:ID]…]',
    args: ['services'],
    load: async () => (await import('./status.js')).command,
  },
  ident: {
    summary: 'show identities',
    usage: '[NAME…]',
    args: ['services'],
    load: async () => (await import('./ident.js')).command,
  },
  why: {
    summary: 'tell why services are not running, or not ready',
    usage: 'NAME[:ID]…',
    args: ['services'],
    load: async () => (await import('./why.js')).command,
  },
  start: {
    summary: 'start services',
    usage: 'NAME[:ID]…',
    args: ['services'],
    options: waiting,
    load: async () => (await services()).start,
  },
  stop: {
    summary: 'stop services',
    usage: 'NAME[:ID]…',
    args: ['services'],
    options: waiting,
    load: async () => (await services()).stop,
  },
  restart: {
    summary: 'stop and start services',
    usage: 'NAME[:ID]…',
    args: ['services'],
    options: waiting,
    load: async () => (await services()).restart,
  },
  reload: {
    summary: "reload finit's configuration, or services",
    usage: '[NAME[:ID]…]',
    args: ['services'],
    options: waiting,
    load: async () => (await services()).reload,
  },
  kill: {
    summary: 'send a signal to a service',
    usage: 'NAME[:ID] SIGNAL',
    args: ['service', 'signal'],
    load: async () => (await services()).kill,
  },
  signal: {
    summary: 'another name for kill',
    alias: 'kill',
    args: ['service', 'signal'],
    load: async () => (await services()).kill,
  },
  cond: {
    summary: 'show, set and clear conditions',
    usage: '[status|dump|get|set|clear|list] [NAME…]',
    actions: {
      status: [],
      dump: ['conditions'],
      get: ['conditions'],
      set: ['user-conditions'],
      clear: ['user-conditions'],
      list: ['conditions'],
    },
    load: async () => (await import('./cond.js')).command,
  },
  wait: {
    summary: 'wait for conditions',
    usage: 'NAME…',
    args: ['conditions'],
    options: [
      { long: 'timeout', short: 't', value: 'TIME', help: 'for how long: 10s, 500ms, 2m, 1h' },
      { long: 'state', short: 's', value: 'STATE', words: ['on', 'off', 'flux'], help: 'what to wait for' },
    ],
    load: async () => (await import('./wait.js')).command,
  },
  watch: {
    summary: 'follow conditions',
    usage: 'PATTERN…',
    args: ['conditions'],
    load: async () => (await import('./watch.js')).command,
  },
  monitor: {
    summary: 'follow everything: conditions, services, reloads, runlevels',
    load: async () => (await import('./monitor.js')).command,
  },
  events: {
    summary: 'another name for monitor',
    alias: 'monitor',
    load: async () => (await import('./monitor.js')).command,
  },
  ps: {
    summary: "show the processes of finit's services, by control group",
    usage: '[GROUP]',
    load: async () => (await import('./cgroup.js')).ps,
  },
  top: {
    summary: "follow what the control groups of finit's services use",
    usage: '[GROUP]',
    load: async () => (await import('./cgroup.js')).top,
  },
  cgroup: {
    summary: "show the control groups of finit's services and their limits",
    usage: '[GROUP]',
    load: async () => (await import('./cgroup.js')).cgroup,
  },
  log: {
    summary: "show what the system's log has about services, or about finit",
    usage: '[NAME[:ID]…]',
    args: ['services'],
    load: async () => (await import('./log.js')).command,
  },
  ls: {
    summary: "list finit's .conf files",
    usage: '[DIRECTORY]',
    args: [{ words: ['available', 'enabled'] }],
    load: async () => (await import('./conf-list.js')).command,
  },
  list: {
    summary: 'another name for ls',
    alias: 'ls',
    args: [{ words: ['available', 'enabled'] }],
    load: async () => (await import('./conf-list.js')).command,
  },
  show: {
    summary: 'show a .conf file',
    usage: '[CONF…]',
    args: ['conf'],
    load: async () => (await conf()).show,
  },
  cat: {
    summary: 'another name for show',
    alias: 'show',
    args: ['conf'],
    load: async () => (await conf()).show,
  },
  create: {
    summary: 'create a .conf file from the standard input, or in an editor',
    usage: 'CONF…',
    args: ['conf'],
    load: async () => (await conf()).create,
  },
  edit: {
    summary: 'edit a .conf file',
    usage: '[CONF…]',
    args: ['conf'],
    load: async () => (await conf()).edit,
  },
  delete: {
    summary: 'delete a .conf file, and disable it',
    usage: 'CONF…',
    args: ['conf'],
    load: async () => (await conf()).remove,
  },
  touch: {
    summary: 'mark a .conf file as changed, for the next reload',
    usage: 'CONF…',
    args: ['conf'],
    load: async () => (await conf()).touch,
  },
  enable: {
    summary: 'enable a .conf file of those available',
    usage: 'CONF…',
    args: ['available'],
    load: async () => (await conf()).enable,
  },
  disable: {
    summary: 'disable a .conf file',
    usage: 'CONF…',
    args: ['enabled'],
    load: async () => (await conf()).disable,
  },
  runlevel: {
    summary: 'show or change the runlevel',
    usage: '[0-9|S]',
    args: ['runlevel'],
    load: async () => (await import('./runlevel.js')).command,
  },
  reboot: {
    summary: 'reboot the machine',
    options: [force],
    load: async () => (await power()).reboot,
  },
  halt: {
    summary: 'halt the machine',
    options: [force],
    load: async () => (await power()).halt,
  },
  poweroff: {
    summary: 'power the machine off',
    options: [force],
    load: async () => (await power()).poweroff,
  },
  suspend: {
    summary: 'suspend the machine to RAM',
    load: async () => (await power()).suspend,
  },
  'switch-root': {
    summary: 'leave an initramfs for another root file system',
    usage: 'NEWROOT [INIT]',
    args: ['directory', 'file'],
    load: async () => (await power()).switchRoot,
  },
  debug: {
    summary: "turn finit's debug messages on or off",
    load: async () => (await import('./finit.js')).debug,
  },
  plugins: {
    summary: "list finit's own plugins",
    load: async () => (await import('./finit.js')).plugins,
  },
  version: {
    summary: 'versions of finit and of node-finit',
    load: async () => (await import('./finit.js')).version,
  },
  plugin: {
    summary: 'run plugins in JavaScript or TypeScript',
    usage: 'run FILE…',
    actions: { run: ['files'] },
    options: [
      { long: 'priority', help: 'begin each line with its priority, <3> to <7>' },
      { long: 'debug', help: 'log debug lines too' },
    ],
    load: async () => (await import('./plugin.js')).command,
  },
  shim: {
    summary: 'run a command with a watchdog, a status and sockets, for finit',
    usage: '[OPTION…] -- COMMAND…',
    args: ['command', 'files'],
    verbatim: true,
    load: async () => (await import('./shim.js')).command,
  },
  sandbox: {
    summary: 'boot a real finit in namespaces',
    usage: '[OPTION]… [-- COMMAND…]',
    raw: true,
    load: async () => (await import('./sandbox.js')).command,
  },
  completion: {
    summary: 'print a completion script for a shell',
    usage: 'bash|zsh|fish',
    args: [{ words: ['bash', 'zsh', 'fish'] }],
    load: async () => (await import('./completion.js')).command,
  },
  __complete: {
    summary: 'what may stand at the end of a command line; for the completion scripts',
    hidden: true,
    verbatim: true,
    load: async () => (await import('./completion.js')).complete,
  },
  help: {
    summary: 'this, or with a command what it does',
    usage: '[COMMAND]',
    args: ['command'],
    load: async () => (await import('./help.js')).command,
  },
} satisfies Record<string, Entry>);
