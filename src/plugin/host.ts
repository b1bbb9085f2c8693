import { basename, extname } from 'node:path';
import { FinitError } from '../errors.js';
import * as notify from '../notify/index.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { type Plugin, pluginFault } from './define.js';
import { currentPlugin, type InstanceOptions, PluginInstance, type Times } from './instance.js';
import { loadPlugin } from './loader.js';
import { createLog, type Log, type LogSink, standardSink } from './log.js';
import { guardProcess } from './process-guard.js';

export interface HostOptions extends FinitOptions {
  /** Ends the host in good order. */
  signal?: AbortSignal | undefined;
  /**
   * The process belongs to the host (default): it answers SIGTERM, SIGINT and SIGHUP, catches what is thrown out of timers and
   * rejected unheard, and reports readiness and status to the supervisor. With false it does nothing of this, and an error out
   * of a plugin's timer is the embedding program's.
   */
  ownProcess?: boolean | undefined;
  /** Takes the plugins' and the host's lines; default stdout, and stderr for warnings and errors. */
  log?: LogSink | undefined;
  /** Debug lines as well; default: whether the environment has NODE_FINIT_DEBUG. */
  debug?: boolean | undefined;
  /** For a plugin's setup, in milliseconds; default 30,000. */
  setupTimeout?: number | undefined;
  /** For a plugin's clean-ups, in milliseconds; default 2,500, because finit sends SIGKILL 3 s after SIGTERM (`kill:`). */
  stopTimeout?: number | undefined;
}

/** What became of the plugins. */
export interface HostResult {
  /** 0: ended because it was asked to. 1: no plugin was left, or something threw that is no plugin's. */
  exitCode: 0 | 1;
  plugins: { name: string; state: 'stopped' | 'failed'; error?: unknown }[];
}

const SLOW_HANDLER = 30_000;

/** See run.ts, which loads this when it is used. */
export async function runPlugins(
  plugins: readonly (string | Plugin)[],
  options: HostOptions = {},
): Promise<HostResult> {
  if (plugins.length === 0) throw new FinitError('FINIT_INVALID_ARGUMENT', 'no plugins given to run');
  for (const plugin of plugins)
    if (typeof plugin !== 'string' && pluginFault(plugin) !== undefined)
      throw new FinitError('FINIT_INVALID_ARGUMENT', `no plugin to run: ${pluginFault(plugin)}`);
  const sink = options.log ?? standardSink;
  const debug = options.debug ?? Boolean(process.env.NODE_FINIT_DEBUG);
  const host = new Host(plugins, createLog('node-finit', sink, debug), options.ownProcess ?? true, {
    runDir: resolveRunDir(options),
    sink,
    debug,
    times: {
      setup: options.setupTimeout ?? 30_000,
      stop: options.stopTimeout ?? 2_500,
      slowHandler: SLOW_HANDLER,
    },
  });
  return host.run(options.signal);
}

class Host {
  readonly #instances: PluginInstance[] = [];
  readonly #names = new Map<string, string>();
  #ready = false;
  #stop: (exitCode: 0 | 1) => void = () => {};
  readonly #stopped = new Promise<0 | 1>((resolve) => {
    this.#stop = resolve;
  });

  constructor(
    private readonly plugins: readonly (string | Plugin)[],
    private readonly log: Log,
    private readonly ownProcess: boolean,
    private readonly settings: Omit<InstanceOptions, 'onEnd'> & { times: Times },
  ) {}

  async run(signal: AbortSignal | undefined): Promise<HostResult> {
    const releaseProcess = this.ownProcess ? guardProcess(this) : () => {};
    // A plugin may have nothing but conditions that are not there yet: nothing else keeps the process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    const onAbort = (): void => this.#stop(0);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      const exitCode = await Promise.race([this.#stopped, this.#start().then(() => this.#stopped)]);
      if (this.ownProcess) this.#announce('stopping', notify.stopping());
      await Promise.all(this.#instances.map((instance) => instance.stop()));
      return { exitCode, plugins: this.#instances.map(result) };
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearInterval(alive);
      releaseProcess();
    }
  }

  async #start(): Promise<void> {
    const setups: Promise<void>[] = [];
    for (const plugin of this.plugins) {
      const label = typeof plugin === 'string' ? basename(plugin, extname(plugin)) : plugin.name;
      const instance = new PluginInstance(label, { ...this.settings, onEnd: () => this.#ended() });
      this.#instances.push(instance);
      const loaded = new Promise<void>((resolve) => {
        const load = async (): Promise<Plugin> =>
          typeof plugin === 'string' ? await loadPlugin(plugin) : plugin;
        const setup = instance.start(load, (found) => {
          this.#claim(found.name, typeof plugin === 'string' ? plugin : 'another plugin');
          resolve();
        });
        setups.push(setup);
        void setup.then(resolve);
      });
      // One after the other: two that import the same helper get the same module only if it is complete.
      await loaded;
    }
    await Promise.all(setups);
    this.#ready = true;
    this.#ended();
    const names = this.#alive().map(({ name }) => name);
    if (names.length === 0) return;
    this.log.info(`running ${names.join(', ')}`);
    if (this.ownProcess) this.#announce('ready', notify.ready());
    this.#status();
  }

  #claim(name: string, source: string): void {
    const other = this.#names.get(name);
    if (other !== undefined)
      throw new FinitError('FINIT_PLUGIN', `the name ${name} is taken by ${other}; rename one of them`, {
        subject: name,
      });
    this.#names.set(name, source);
  }

  #alive(): PluginInstance[] {
    return this.#instances.filter(({ alive }) => alive);
  }

  #ended(): void {
    if (!this.#ready) return;
    if (this.#alive().length === 0) this.#stop(1);
    else if (this.#instances.some(({ state }) => state === 'failed')) this.#status();
  }

  #status(): void {
    if (!this.ownProcess) return;
    const failed = this.#instances.filter(({ state }) => state === 'failed').map(({ name }) => name);
    const running = this.#alive().map(({ name }) => name);
    const text = `Running ${running.join(', ')}${failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''}`;
    this.#announce('status', notify.status(text));
  }

  #announce(what: string, result: notify.NotifyResult): void {
    // finit 4.12 has no way to be told anything but READY=1: nothing to complain about.
    if (result.outcome === 'failed' && result.error.code !== 'FINIT_UNSUPPORTED')
      this.log.warn(`the supervisor could not be told (${what}): ${result.error.message}`);
    else this.log.debug(`${what}: ${result.outcome}`);
  }

  /** SIGTERM, SIGINT. */
  terminate(signal: string): void {
    this.log.info(`${signal}, stopping`);
    this.#stop(0);
  }

  /** SIGHUP. */
  reload(): void {
    // finit has put <service/…/ready> into flux and keeps those that need it paused until it hears READY=1 again.
    if (this.#ready && this.#alive().length > 0) this.#announce('ready', notify.ready());
    this.log.info(
      'SIGHUP: still ready. Plugin files are read at the start only, restart the service to load them anew',
    );
  }

  /** An error that nobody caught. */
  uncaught(error: unknown, what: string): void {
    const instance = currentPlugin() ?? this.#byStack(error);
    if (instance) {
      instance.fail(what, error);
      return;
    }
    this.log.error(`${what}, and it belongs to no plugin; the host ends:`, error);
    this.#stop(1);
  }

  /** Node loses the context of what queueMicrotask() calls (20.20), so look at the files that the error came through. */
  #byStack(error: unknown): PluginInstance | undefined {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const found = this.plugins.findIndex(
      (plugin) => typeof plugin === 'string' && stack.includes(basename(plugin)),
    );
    return this.#instances[found];
  }
}

function result(instance: PluginInstance): HostResult['plugins'][number] {
  const { name, state, error } = instance;
  return state === 'failed' ? { name, state, error } : { name, state: 'stopped' };
}
