/**
 * finit's own `initctl`, run as a program: it knows the records of its finit, whatever their length. Slow (finit serves it as many
 * connections as there are services), and it tells less than a record does.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FinitError } from '../errors.js';
import { parseInitctlStatus } from '../protocol/initctl-json.js';
import { type Runlevel, runlevelOf, type Service } from '../protocol/service.js';
import { DEFAULT_RUN_DIR, resolveRunDir } from '../run-dir.js';
import { aborted, timedOut } from './errors.js';
import { Deadline } from './limits.js';
import type {
  CallOptions,
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  WaitOptions,
} from './types.js';

/** Besides PATH. Debian's finit 4.2 keeps it in /lib/finit. */
const DIRECTORIES = ['/sbin', '/usr/sbin', '/bin', '/usr/bin', '/run/current-system/sw/bin', '/lib/finit'];
/** initctl's exit code for a service that is not there, and (4.2) for most else. */
const NO_SUCH_SERVICE = 69;
/** Set for what we run: where initctl is replaced by node-finit's command, that must not run itself. */
const INSIDE = 'NODE_FINIT_RUNS_INITCTL';
/** A list of a thousand services has some 500 kB. */
const MOST_OUTPUT = 16 * 1024 * 1024;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

class Initctl implements Transport {
  readonly kind = 'initctl';
  readonly #options: CallOptions;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  get path(): string {
    return find(this.#options);
  }

  async listServices(wait?: WaitOptions): Promise<Service[]> {
    const { stdout } = await this.#done(['-p', '-b', '-j', 'status'], wait);
    return parseInitctlStatus(stdout);
  }

  async findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    const outcome = await this.#run(['-p', '-b', '-j', 'status', name], wait);
    if (outcome.code === NO_SUCH_SERVICE && !/option/.test(outcome.stderr)) return undefined;
    return parseInitctlStatus(this.#accepted(outcome, `status ${name}`).stdout)[0];
  }

  async unknownServices(names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    const unknown: string[] = [];
    const deadline = new Deadline(wait?.timeout);
    for (const name of names) {
      const { code } = await this.#run(['-b', '-q', 'status', name], {
        ...wait,
        timeout: deadline.left || 1,
      });
      if (code === NO_SUCH_SERVICE) unknown.push(name);
    }
    return unknown;
  }

  async act(action: ServiceAction, names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    return await this.#refused(names, (name) => ['-b', action, name], wait);
  }

  async signalServices(names: readonly string[], signal: number, wait?: WaitOptions): Promise<string[]> {
    return await this.#refused(names, (name) => ['-b', 'signal', name, String(signal)], wait);
  }

  async runlevel(wait?: WaitOptions): Promise<RunlevelState> {
    const { stdout } = await this.#done(['-b', 'runlevel'], wait);
    const [previous = '', current = ''] = stdout.trim().split(' ');
    const [before, now] = [previous, current].map(toRunlevel);
    if (now === undefined)
      throw new FinitError('FINIT_BAD_REPLY', `initctl says that the runlevel is "${stdout.trim()}"`, {
        path: this.path,
      });
    return before === undefined ? { current: now } : { current: now, previous: before };
  }

  async setRunlevel(level: Runlevel, wait?: WaitOptions): Promise<void> {
    await this.#done(['-b', 'runlevel', String(level)], wait);
  }

  async reload(wait?: WaitOptions): Promise<void> {
    await this.#done(['-b', 'reload'], wait);
  }

  async toggleDebug(wait?: WaitOptions): Promise<void> {
    await this.#done(['-b', 'debug'], wait);
  }

  async power(action: PowerAction, force: number, wait?: WaitOptions): Promise<void> {
    if (force > 0) throw this.#unsupported('a forced shutdown after a time');
    await this.#run(['-b', action], wait);
  }

  async plugins(wait?: WaitOptions): Promise<string[]> {
    return (await this.#pluginTable(wait)).map(([name = '']) => name);
  }

  async pluginDependencies(name: string, wait?: WaitOptions): Promise<string[]> {
    const row = (await this.#pluginTable(wait)).find(([first]) => first === name);
    return row?.slice(1) ?? [];
  }

  async switchRoot(newRoot: string, init: string, wait?: WaitOptions): Promise<void> {
    await this.#done(['-b', 'switch-root', newRoot, ...(init === '' ? [] : [init])], wait);
  }

  async version(wait?: WaitOptions): Promise<FinitVersion> {
    const { stdout } = await this.#done(['-V'], wait);
    const version = /(\d+\.\d+\S*)/.exec(stdout.split('\n')[0] ?? '')?.[1];
    const evidence = `${this.path} -V, which may be newer than the finit that runs`;
    return version === undefined
      ? { candidates: [], evidence }
      : { version, candidates: [version], evidence };
  }

  async #pluginTable(wait?: WaitOptions): Promise<string[][]> {
    const { stdout } = await this.#done(['-p', '-b', '-t', 'plugins'], wait);
    const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    return rows.filter(([name]) => name !== '' && name !== undefined && !name.startsWith('--'));
  }

  async #refused(
    names: readonly string[],
    command: (name: string) => string[],
    wait?: WaitOptions,
  ): Promise<string[]> {
    const refused: string[] = [];
    const deadline = new Deadline(wait?.timeout);
    for (const name of names) {
      const { code } = await this.#run(command(name), { ...wait, timeout: deadline.left || 1 });
      if (code !== 0) refused.push(name);
    }
    return refused;
  }

  async #done(argv: string[], wait?: WaitOptions): Promise<Outcome> {
    return this.#accepted(
      await this.#run(argv, wait),
      argv.filter((word) => !word.startsWith('-')).join(' '),
    );
  }

  #accepted(outcome: Outcome, what: string): Outcome {
    // Up to 4.3, which exits with 0 all the same.
    if (/(invalid|unrecognized) option|No such command/.test(outcome.stderr))
      throw new FinitError(
        'FINIT_UNSUPPORTED',
        `${this.path} is too old for this: ${outcome.stderr.split('\n')[0]}`,
        { path: this.path },
      );
    if (outcome.code === 0) return outcome;
    const said = outcome.stderr.trim().split('\n')[0] || `exit code ${outcome.code}`;
    if (/connect|No such file|refused/i.test(said))
      throw new FinitError('FINIT_NOT_RUNNING', `initctl does not find finit: ${said}`, { path: this.path });
    throw new FinitError('FINIT_REFUSED', `initctl ${what} failed: ${said}`, { path: this.path });
  }

  async #run(argv: string[], { timeout, signal }: WaitOptions = {}): Promise<Outcome> {
    const { execFile } = await import('node:child_process');
    const deadline = new Deadline(timeout);
    const exchange = {
      path: this.path,
      what: `initctl ${argv.join(' ')}`,
      timeout: deadline.timeout,
      signal,
    };
    if (signal?.aborted) throw aborted(exchange);
    try {
      const { stdout, stderr } = await promisify(execFile)(this.path, argv, {
        timeout: Math.ceil(deadline.timeout),
        killSignal: 'SIGKILL',
        maxBuffer: MOST_OUTPUT,
        env: { ...process.env, [INSIDE]: '1', LC_ALL: 'C' },
        ...(signal && { signal }),
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const {
        code,
        killed,
        stdout = '',
        stderr = '',
      } = error as {
        code?: unknown;
        killed?: boolean;
        stdout?: string;
        stderr?: string;
      };
      if (signal?.aborted) throw aborted(exchange);
      if (killed) throw timedOut(exchange);
      if (typeof code === 'number') return { code, stdout, stderr };
      throw new FinitError('FINIT_SYSTEM', `${this.path} does not run: ${(error as Error).message}`, {
        path: this.path,
        cause: error,
      });
    }
  }

  #unsupported(what: string): FinitError {
    return new FinitError('FINIT_UNSUPPORTED', `initctl has no way for ${what}`, { path: this.path });
  }
}

/** The `initctl` of the finit that these options mean. It is looked for when it is first needed. */
export function connectInitctl(options: CallOptions = {}): Transport {
  return new Initctl(options);
}

/** initctl has its finit's run directory built in, so another one takes a program that the user names. */
function find(options: CallOptions): string {
  const named = process.env.FINIT_INITCTL;
  if (named) return named;
  if (process.env[INSIDE])
    throw new FinitError(
      'FINIT_UNSUPPORTED',
      'This node-finit was run in place of initctl, so there is no initctl to ask',
    );
  const runDir = resolveRunDir(options);
  if (runDir !== DEFAULT_RUN_DIR)
    throw new FinitError(
      'FINIT_UNSUPPORTED',
      `initctl knows ${DEFAULT_RUN_DIR} only, not ${runDir}. Name one that does (a script) in the environment's FINIT_INITCTL.`,
      { path: runDir },
    );
  const directories = [...(process.env.PATH ?? '').split(':').filter(Boolean), ...DIRECTORIES];
  const program = directories.map((directory) => join(directory, 'initctl')).find(existsSync);
  if (program === undefined)
    throw new FinitError(
      'FINIT_UNSUPPORTED',
      `There is no initctl in ${directories.join(':')}. Name it in the environment's FINIT_INITCTL.`,
    );
  return program;
}

function toRunlevel(text: string): Runlevel | undefined {
  return text === 'S' ? 'S' : runlevelOf(text === '' ? Number.NaN : Number(text));
}
