/**
 * The way that is there: tried in order for each call, the next one when a way cannot do it.
 */
import { type FinitErrorCode, isFinitError } from '../errors.js';
import type { Runlevel, Service } from '../protocol/service.js';
import type {
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  TransportKind,
  WaitOptions,
} from './types.js';

/** What another way may be better at. Each is thrown before finit has been asked to do anything. */
const NEXT: readonly FinitErrorCode[] = ['FINIT_UNSUPPORTED', 'FINIT_UNKNOWN_RECORD'];
/** And where there is a bus's socket, but no bus to be had: finit leaves it behind, and serves 64 clients on it. */
const NO_BUS: readonly FinitErrorCode[] = ['FINIT_NOT_RUNNING', 'FINIT_BUSY'];

/** Several ways to one finit as one; at least one. */
export class AutoTransport implements Transport {
  #ways: [Transport, ...Transport[]];

  constructor(first: Transport, ...others: Transport[]) {
    this.#ways = [first, ...others];
  }

  get kind(): TransportKind {
    return this.#ways[0].kind;
  }

  get path(): string {
    return this.#ways[0].path;
  }

  listServices(wait?: WaitOptions): Promise<Service[]> {
    return this.#try((way) => way.listServices(wait));
  }

  findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    return this.#try((way) => way.findService(name, wait));
  }

  unknownServices(names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    return this.#try((way) => way.unknownServices(names, wait));
  }

  act(action: ServiceAction, names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    return this.#try((way) => way.act(action, names, wait));
  }

  signalServices(names: readonly string[], signal: number, wait?: WaitOptions): Promise<string[]> {
    return this.#try((way) => way.signalServices(names, signal, wait));
  }

  runlevel(wait?: WaitOptions): Promise<RunlevelState> {
    return this.#try((way) => way.runlevel(wait));
  }

  setRunlevel(level: Runlevel, wait?: WaitOptions): Promise<void> {
    return this.#try((way) => way.setRunlevel(level, wait));
  }

  reload(wait?: WaitOptions): Promise<void> {
    return this.#try((way) => way.reload(wait));
  }

  toggleDebug(wait?: WaitOptions): Promise<void> {
    return this.#try((way) => way.toggleDebug(wait));
  }

  power(action: PowerAction, force: number, wait?: WaitOptions): Promise<void> {
    return this.#try((way) => way.power(action, force, wait));
  }

  plugins(wait?: WaitOptions): Promise<string[]> {
    return this.#try((way) => way.plugins(wait));
  }

  pluginDependencies(name: string, wait?: WaitOptions): Promise<string[]> {
    return this.#try((way) => way.pluginDependencies(name, wait));
  }

  switchRoot(newRoot: string, init: string, wait?: WaitOptions): Promise<void> {
    return this.#try((way) => way.switchRoot(newRoot, init, wait));
  }

  version(wait?: WaitOptions): Promise<FinitVersion> {
    return this.#try((way) => way.version(wait));
  }

  async #try<T>(ask: (way: Transport) => Promise<T>): Promise<T> {
    let first: unknown;
    for (const way of [...this.#ways]) {
      try {
        return await ask(way);
      } catch (error) {
        if (way.kind === 'bus' && NO_BUS.some((code) => isFinitError(error, code))) this.#forget(way);
        else if (!NEXT.some((code) => isFinitError(error, code))) throw first ?? error;
        // The control socket can all that the bus can: then its word counts.
        if (way.kind !== 'bus' || way === this.#ways.at(-1)) first ??= error;
      }
    }
    throw first;
  }

  /** A way that is not there is not tried for the next call either. */
  #forget(way: Transport): void {
    const [first, second, ...others] = this.#ways;
    if (first === way && second !== undefined) this.#ways = [second, ...others];
  }
}
