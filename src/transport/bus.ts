/**
 * The private bus of finit 5, `<run directory>/bus`: D-Bus without a daemon.
 *
 * PID 1 serves it without ever waiting for a client, so unlike the control socket nothing can hold it there. What speaks D-Bus is
 * loaded with the first call, so that everybody else's start is not slower for it.
 */
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import type { Runlevel, Service } from '../protocol/service.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import type { Asking } from './bus-asking.js';
import type {
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  WaitOptions,
} from './types.js';

/** S means 1 to finit, see api_cb() in src/api.c. */
const SINGLE_USER = 1;

const methods = {
  ...{ start: 'Start', stop: 'Stop', restart: 'Restart' },
  ...{ reboot: 'Reboot', halt: 'Halt', poweroff: 'Poweroff' },
} as const;

class Bus implements Transport {
  readonly kind = 'bus';
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async listServices(wait?: WaitOptions): Promise<Service[]> {
    const asking = await this.#ask(wait);
    return await asking.services(await asking.identities());
  }

  async findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    return await (await this.#ask(wait)).find(name);
  }

  async unknownServices(names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    const found = await (await this.#ask(wait)).resolve(names);
    return names.filter((_, i) => found[i]?.length === 0);
  }

  async act(action: ServiceAction, names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    const asking = await this.#ask(wait);
    if (action === 'reload') return await asking.reloadEach(names);
    return await asking.orderEach(names, action, methods[action], 's');
  }

  async signalServices(names: readonly string[], signal: number, wait?: WaitOptions): Promise<string[]> {
    if (!(signal >= 1 && signal <= 31)) throw await this.#cannot(`sends signals 1 to 31, not ${signal}`);
    return await (await this.#ask(wait)).orderEach(names, 'signal', 'Signal', 'su', signal);
  }

  async runlevel(wait?: WaitOptions): Promise<RunlevelState> {
    const properties = await (await this.#ask(wait)).managerProperties('runlevel');
    const { take, toRunlevel } = await import('../protocol/bus-values.js');
    const current = toRunlevel(take(properties, 'Runlevel', 'string'));
    if (current === undefined)
      throw new FinitError(
        'FINIT_BAD_REPLY',
        `finit says that it is in runlevel ${properties.Runlevel}, which does not exist`,
        { path: this.path },
      );
    const previous = toRunlevel(take(properties, 'PrevRunlevel', 'string'));
    return previous === undefined ? { current } : { current, previous };
  }

  async setRunlevel(level: Runlevel, wait?: WaitOptions): Promise<void> {
    const number = level === 'S' ? SINGLE_USER : level;
    await (await this.#ask(wait)).order(`runlevel ${level}`, 'SetRunlevel', 'u', number);
  }

  async reload(wait?: WaitOptions): Promise<void> {
    await (await this.#ask(wait)).order('reload', 'Reload');
  }

  async toggleDebug(wait?: WaitOptions): Promise<void> {
    await (await this.#ask(wait)).order('debug', 'SetDebug');
  }

  async power(action: PowerAction, force: number, wait?: WaitOptions): Promise<void> {
    const asking = await this.#ask(wait);
    if (action !== 'suspend') await asking.order(action, methods[action], 'u', force);
    else if (force === 0) await asking.order(action, 'Suspend');
    else throw await this.#cannot('has no forced shutdown after a suspend');
  }

  async plugins(): Promise<string[]> {
    throw await this.#cannot('does not tell which plugins finit has');
  }

  async pluginDependencies(): Promise<string[]> {
    throw await this.#cannot('does not tell which plugins finit has');
  }

  async switchRoot(): Promise<void> {
    throw await this.#cannot('has no switch-root');
  }

  async version(wait?: WaitOptions): Promise<FinitVersion> {
    const properties = await (await this.#ask(wait)).managerProperties('version');
    const { take } = await import('../protocol/bus-values.js');
    const version = take(properties, 'Version', 'string');
    return { version, candidates: [version], evidence: 'what finit says on its bus' };
  }

  async #ask(wait?: WaitOptions): Promise<Asking> {
    const { Asking } = await import('./bus-asking.js');
    return new Asking(this.path, wait);
  }

  async #cannot(what: string): Promise<FinitError> {
    return (await import('./bus-asking.js')).unsupported(this.path, what);
  }
}

/** Where the bus of the finit is that these options mean. */
export function busPath(options: FinitOptions = {}): string {
  return join(resolveRunDir(options), 'bus');
}

/** The bus of the finit that these options mean. */
export function connectBus(options: FinitOptions = {}): Transport {
  return new Bus(busPath(options));
}
