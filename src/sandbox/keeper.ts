/** This process's end of keeper.sh. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FinitError } from '../errors.js';
import { type Cache, makeDir } from './cache.js';
import { searchPath, type Tools } from './host.js';
import { keepAlive } from './run.js';

const SCRIPT = fileURLToPath(new URL('keeper.sh', import.meta.url));

/** How finit ended. */
export interface KeeperEnd {
  /** finit's exit code; null when a signal ended it, or when nobody could see it end. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One running keeper.sh. Does not keep the Node process alive. */
export class Keeper {
  readonly dir: string;
  /** Resolves when finit has ended and everything of the sandbox has been removed; never rejects. */
  readonly ended: Promise<KeeperEnd>;
  /** finit's pid, once it is known. */
  pid: number | undefined;
  /** In a user namespace? Known with the pid. */
  userns = false;
  /** The step of inner.sh that went wrong. */
  failed: string | undefined;
  /** inner.sh has become finit. */
  booting = false;

  readonly #child: ChildProcess;
  readonly #lifeline: Duplex;
  #console: number | undefined;
  #text = '';
  #isReady = false;
  #exit: number | undefined;
  #over = false;
  #wake: (() => void)[] = [];

  private constructor(tools: Tools, cache: Cache) {
    const id = randomBytes(6).toString('hex');
    this.dir = join(cache.boxes, id);
    // Opened here and unlinked at once: the text can be read to the end when the sandbox's folder is gone.
    const name = `${this.dir}.console`;
    this.#console = openSync(name, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    unlinkSync(name);
    this.#child = spawn('/bin/sh', [SCRIPT, cache.boxes, id], {
      cwd: '/',
      // Nothing of our environment, which finit and all its services would inherit; nor what child_process adds by itself.
      env: { PATH: pathOf(tools), NODE_V8_COVERAGE: undefined },
      stdio: ['ignore', this.#console, this.#console, 'pipe', 'pipe'],
      // Its own session: a signal for the caller's process group must not reach it.
      detached: true,
    });
    this.#lifeline = this.#child.stdio[3] as Duplex;
    const events = this.#child.stdio[4] as Duplex;
    this.#lifeline.on('error', () => {});
    events.on('error', () => {});
    let partial = '';
    events.setEncoding('utf8').on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) this.#event(line);
      this.#awake();
    });
    this.ended = new Promise((resolve) => {
      const finish = () => {
        if (this.#over) return;
        this.#text = this.console();
        this.#over = true;
        if (this.#console !== undefined) closeSync(this.#console);
        this.#console = undefined;
        this.#lifeline.destroy();
        events.destroy();
        const end = () => {
          resolve(endOf(this.#exit));
          this.#awake();
        };
        // A keeper that was killed has removed nothing.
        if (this.#exit === undefined && this.#isReady) sweep(tools, cache).then(end);
        else end();
      };
      // A killed keeper leaves a reader behind, which waits for us.
      this.#child.once('exit', () => this.#lifeline.destroy());
      // 'close' also waits for the last events to be read.
      this.#child.once('close', finish);
      this.#child.once('error', finish);
    });
    this.#child.unref();
    for (const stream of [this.#lifeline, events]) (stream as unknown as { unref?(): void }).unref?.();
  }

  /** Starts a keeper; resolves when its folder is there. */
  static async start(tools: Tools, cache: Cache): Promise<Keeper> {
    await makeDir(cache.boxes);
    const keeper = new Keeper(tools, cache);
    await keeper.change(() => keeper.#isReady);
    if (!keeper.#isReady)
      throw new FinitError(
        'FINIT_SANDBOX_UNAVAILABLE',
        `cannot make a sandbox in ${cache.boxes}: ${keeper.console().trim()}`,
        { path: cache.boxes },
      );
    return keeper;
  }

  /** True once finit has ended and everything has been removed. */
  get over(): boolean {
    return this.#over;
  }

  /** True once the keeper has seen finit end, or is gone itself. */
  get finished(): boolean {
    return this.#over || this.#exit !== undefined;
  }

  /** Boots what has been written into `dir`. */
  boot(): void {
    this.#lifeline.write('boot\n');
  }

  /** Has everything ended and removed. Keeps the Node process alive until then. */
  async kill(): Promise<KeeperEnd> {
    this.#lifeline.destroy();
    return keepAlive(this.ended);
  }

  /** Everything finit has printed so far. */
  console(): string {
    if (this.#console === undefined) return this.#text;
    const data = Buffer.alloc(fstatSync(this.#console).size);
    return data.toString('utf8', 0, readSync(this.#console, data, 0, data.length, 0));
  }

  /** Resolves when the test is true after some event, or everything is over. Keeps the Node process alive. */
  async change(test: () => boolean, ms?: number): Promise<void> {
    const deadline = ms === undefined ? undefined : Date.now() + ms;
    while (!test() && !this.#over) {
      const rest = deadline === undefined ? 2 ** 30 : deadline - Date.now();
      if (rest <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, rest);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #awake(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #event(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'ready') this.#isReady = true;
    else if (word === 'namespaces') this.userns = rest[0] === 'yes';
    else if (word === 'pid') this.pid = Number(rest[0]);
    else if (word === 'finit') this.booting = true;
    else if (word === 'failed') this.failed = rest.join(' ').trim();
    else if (word === 'exit') this.#exit = Number(rest[0]);
  }
}

/** A shell's idea of an exit status, taken apart. */
function endOf(status: number | undefined): KeeperEnd {
  if (status === undefined) return { code: null, signal: null };
  if (status <= 128) return { code: status, signal: null };
  const name = Object.entries(os.signals).find(([, number]) => number === status - 128)?.[0];
  return { code: null, signal: (name ?? 'SIGKILL') as NodeJS.Signals };
}

/** The keeper finds its tools where we found them. */
function pathOf(tools: Tools): string {
  const dirs = Object.values(tools).map((file) => file.slice(0, file.lastIndexOf('/')));
  return [...new Set([...dirs, ...searchPath({}).split(':')])].join(':');
}

/** Removes what dead keepers have left in the cache: their cgroups and folders, and finit should it still run. */
export async function sweep(tools: Tools, cache: Cache): Promise<void> {
  const child = spawn('/bin/sh', [SCRIPT, cache.boxes], {
    cwd: '/',
    env: { PATH: pathOf(tools) },
    stdio: 'ignore',
  });
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}
