/** A running sandbox. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { FinitError } from '../errors.js';
import {
  type ExecOptions,
  type ExecResult,
  execInBox,
  nsenterArgv,
  type SpawnInBoxOptions,
  spawnInBox,
} from './exec.js';
import type { Tools } from './host.js';
import type { Keeper, KeeperEnd } from './keeper.js';
import { checkConfigName, checkPath } from './options.js';
import { keepAlive } from './run.js';

/** How a sandbox ended. */
export interface SandboxExit {
  /**
   * finit's exit code: 0 after poweroff and reboot, as in a container finit just ends (src/sig.c, do_shutdown, of 4.12 and
   * 4.14). Null when a signal ended it; 4.2 calls reboot(2), which in a pid namespace is SIGINT, or SIGHUP for a reboot.
   */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** True when this process, or the end of the time it gave, killed it. */
  killed: boolean;
}

/** What {@link startSandbox} knows when finit is up. */
export interface SandboxFacts {
  tools: Tools;
  pid: number;
  suite: string | undefined;
  dispose: 'kill' | 'poweroff';
}

/**
 * A real finit, PID 1 of its own namespaces. Made by {@link startSandbox}; ended by `await using`, {@link poweroff} or
 * {@link kill}, and in any case when this process ends, however that happens.
 *
 * It does not keep the Node process alive: only calls that are waited for do.
 */
export class Sandbox implements AsyncDisposable {
  /** finit's pid as the host sees it. */
  readonly pid: number;
  /** The sandbox's root directory as the host sees it: `/proc/<pid>/root`. Gone when finit is. */
  readonly root: string;
  /** finit's run directory as the host sees it, for `{ runDir }` options: `/proc/<pid>/root/run/finit`. */
  readonly runDir: string;
  /** Debian's suite; undefined when booted from a root of one's own. */
  readonly suite: string | undefined;
  /** True when it is in a user namespace, where nothing is root of the host, and only root is a user. */
  readonly rootless: boolean;

  readonly #keeper: Keeper;
  readonly #tools: Tools;
  readonly #dispose: 'kill' | 'poweroff';
  readonly #exit: Promise<SandboxExit>;
  #version = '';
  #killed = false;

  /** @internal */
  constructor(keeper: Keeper, facts: SandboxFacts) {
    this.#keeper = keeper;
    this.#tools = facts.tools;
    this.#dispose = facts.dispose;
    this.pid = facts.pid;
    this.suite = facts.suite;
    this.rootless = keeper.userns;
    this.root = `/proc/${this.pid}/root`;
    this.runDir = `${this.root}/run/finit`;
    this.#exit = keeper.ended.then((end: KeeperEnd) => ({ ...end, killed: this.#killed }));
  }

  /** The version of finit, as its own initctl says it, e.g. `'4.14'`. */
  get version(): string {
    return this.#version;
  }

  /** @internal */
  async askVersion(): Promise<void> {
    const said = await this.initctl('version');
    const version = /\bv?(\d+\.\d+[\w.~-]*)/.exec(said.stdout + said.stderr)?.[1];
    if (version === undefined)
      throw new FinitError(
        'FINIT_SANDBOX_FAILED',
        `initctl does not say which finit this is: ${said.stdout}${said.stderr}`,
      );
    this.#version = version;
  }

  /**
   * Resolves when finit has ended and nothing is left of the sandbox. Never rejects. Who reads this property is waiting:
   * it keeps the Node process alive until then.
   */
  get exited(): Promise<SandboxExit> {
    return keepAlive(this.#exit);
  }

  /** False once finit has ended. */
  get running(): boolean {
    return !this.#keeper.finished;
  }

  /** What finit has printed so far, with its colours and cursor movements; the last of it when it has ended. */
  console(): string {
    return this.#keeper.console();
  }

  /**
   * Runs a command in the sandbox, as root of it, and collects its output. A failing command is a result: code 127 when
   * there is no such command, null and a signal when one ended it.
   * @throws {FinitError} `FINIT_TIMEOUT`, `FINIT_ABORTED` (the command and its process group have been killed),
   *   `FINIT_SANDBOX_FAILED` when the sandbox has ended, `FINIT_INVALID_ARGUMENT`.
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const result = await execInBox((o) => this.spawn(argv, o), argv, options);
    if (options.check && result.code !== 0)
      throw new FinitError(
        'FINIT_SANDBOX_FAILED',
        `${argv.join(' ')} failed in the sandbox (${result.signal ?? result.code}): ${(result.stderr || result.stdout).trim().slice(-2000)}`,
      );
    return result;
  }

  /**
   * Starts a command in the sandbox, for streaming: as node:child_process's spawn, with pipes by default.
   * @throws {FinitError} `FINIT_SANDBOX_FAILED` when the sandbox has ended, `FINIT_INVALID_ARGUMENT`.
   */
  spawn(argv: readonly string[], options: SpawnInBoxOptions & SpawnOptions = {}): ChildProcess {
    this.#assertRunning();
    const target = { pid: this.pid, userns: this.rootless, root: this.root };
    return spawnInBox(spawn, nsenterArgv(this.#tools, target, argv, options), options);
  }

  /** `initctl` with these arguments, without escape sequences in what it prints. */
  async initctl(...args: string[]): Promise<ExecResult> {
    // finit 4.2 keeps it out of PATH
    return this.exec(['initctl', ...args], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/lib/finit' } });
  }

  /**
   * Writes a file of /etc/finit.d. finit takes notice at the next {@link reload}.
   * @throws {FinitError} `FINIT_INVALID_ARGUMENT` for a name that finit would not read; as {@link exec}.
   */
  async writeConfig(name: string, content: string): Promise<void> {
    checkConfigName(name);
    await this.writeFile(`/etc/finit.d/${name}`, content);
  }

  /** Removes a file of /etc/finit.d, if it is there. finit takes notice at the next {@link reload}. */
  async removeConfig(name: string): Promise<void> {
    checkConfigName(name);
    await this.exec(['rm', '-f', `/etc/finit.d/${name}`], { check: true });
  }

  /** Has finit read its configuration again, by SIGHUP; returns before it has. */
  reload(): void {
    this.#signal('SIGHUP');
  }

  /**
   * Writes a file in the sandbox, whole or not at all: into a new file that then takes the name. Missing directories are made.
   *
   * It is a process in the sandbox that writes. Through `/proc/<pid>/root` an absolute symbolic link would lead the writer
   * into the host's file system.
   */
  async writeFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    checkPath(path, 'the name of a file');
    const script =
      'mkdir -p "$(dirname "$1")"; umask 077; cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"';
    await this.exec(['/bin/sh', '-c', script, 'write', path, mode.toString(8)], {
      input: content,
      check: true,
    });
  }

  /** Reads a file in the sandbox. @throws {FinitError} `FINIT_SANDBOX_FAILED` when it cannot be read; as {@link exec}. */
  async readFile(path: string): Promise<string> {
    checkPath(path, 'the name of a file');
    return (await this.exec(['cat', path], { check: true })).stdout;
  }

  /**
   * Has finit stop everything and end, as `initctl poweroff` does (SIGUSR2: src/sig.c of finit 4.2 … 4.14). Killed when it
   * has not ended after `timeout` milliseconds (default 15 000) or when the signal fires; `killed` says so.
   */
  async poweroff({
    timeout = 15_000,
    signal,
  }: {
    timeout?: number;
    signal?: AbortSignal;
  } = {}): Promise<SandboxExit> {
    if (!this.#keeper.finished) this.#signal('SIGUSR2');
    const enough = new AbortController();
    const overdue = new Promise<'overdue'>((resolve) => {
      const timer = setTimeout(() => resolve('overdue'), timeout);
      const stop = () => {
        clearTimeout(timer);
        resolve('overdue');
      };
      enough.signal.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true, signal: enough.signal });
    });
    const first = await keepAlive(Promise.race([this.#exit, overdue]));
    enough.abort();
    return first === 'overdue' ? this.kill() : first;
  }

  /** Ends the sandbox at once; resolves when nothing is left of it. */
  async kill(): Promise<SandboxExit> {
    if (!this.#keeper.finished) this.#killed = true;
    await this.#keeper.kill();
    return this.#exit;
  }

  /** Kills it, or powers it off if that is what the option `dispose` says. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#dispose === 'poweroff' ? this.poweroff() : this.kill());
  }

  #assertRunning(): void {
    if (this.#keeper.finished)
      throw new FinitError('FINIT_SANDBOX_FAILED', 'the sandbox has ended', { subject: String(this.pid) });
  }

  #signal(signal: NodeJS.Signals): void {
    this.#assertRunning();
    try {
      // finit's pid is not reused while its keeper has not told of its end, but for the moment it needs to tell.
      if (/\((finit|init)\)/.test(readFileSync(`/proc/${this.pid}/stat`, 'utf8')))
        process.kill(this.pid, signal);
    } catch {
      // it has just ended
    }
  }
}
