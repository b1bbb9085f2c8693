/** What is asked of finit's bus, one deadline for all of it. Loaded with the first call. */
import { FinitError } from '../errors.js';
import { type BusProperties, hasServiceObject, servicePath, toService } from '../protocol/bus-values.js';
import type { Service } from '../protocol/service.js';
import { type BusClient, busClient } from './bus-client.js';
import { BusError, refusal } from './bus-errors.js';
import type { BusCall } from './bus-message.js';
import { Deadline } from './limits.js';
import type { WaitOptions } from './types.js';

const MANAGER = { path: '/org/finit/manager', interface: 'org.finit.Manager1' };
const SERVICE = 'org.finit.Service1';

export class Asking {
  readonly #path: string;
  readonly #client: BusClient;
  readonly #deadline: Deadline;
  readonly #signal: AbortSignal | undefined;

  constructor(path: string, { timeout, signal }: WaitOptions = {}) {
    this.#path = path;
    this.#client = busClient(path);
    this.#deadline = new Deadline(timeout);
    this.#signal = signal;
  }

  /** Makes the manager do something, asked once. */
  async order(what: string, member: string, signature = '', ...body: unknown[]): Promise<void> {
    const request = this.#request({ ...MANAGER, member, signature, body }, what, false);
    await this.#client.demand(request);
  }

  /** Makes the manager do something to each of these services, in this order. @returns those for which it refused */
  async orderEach(
    names: readonly string[],
    what: string,
    member: string,
    signature: string,
    ...rest: unknown[]
  ): Promise<string[]> {
    // Bytes that are not UTF-8, see protocol/text.ts.
    const odd = names.find((name) => /\p{Surrogate}/u.test(name));
    if (odd !== undefined) throw unsupported(this.#path, `takes names in UTF-8, not ${JSON.stringify(odd)}`);
    return await this.#refused(names, what, (name) => ({
      ...{ ...MANAGER, member, signature },
      body: [name, ...rest],
    }));
  }

  /** Has each of these services reloaded: for that the manager has no method, but the objects of services have. */
  async reloadEach(names: readonly string[]): Promise<string[]> {
    const found = await this.resolve(names);
    for (const identity of found.flat()) this.#requireObject(identity);
    const refused = await this.#refused(found.flat(), 'reload', (identity) => ({
      ...{ path: servicePath(identity), interface: SERVICE, member: 'Reload' },
    }));
    return names.filter((_, i) => !found[i]?.length || found[i]?.some((one) => refused.includes(one)));
  }

  async managerProperties(what: string): Promise<BusProperties> {
    const request = this.#request(getAll(MANAGER.path, MANAGER.interface), what, true);
    return toProperties(await this.#client.demand(request));
  }

  /** All identities, in finit's order. */
  async identities(): Promise<string[]> {
    const request = this.#request({ ...MANAGER, member: 'ListServices' }, 'list services', true);
    const [list] = await this.#client.demand(request);
    if (!Array.isArray(list) || !list.every((identity) => typeof identity === 'string'))
      throw new FinitError('FINIT_BAD_REPLY', "finit's list of services is not one of names", {
        path: this.#path,
      });
    return list;
  }

  /** The identities that each name means, in finit's order: as svc_parse_jobstr() in src/svc.c has it. */
  async resolve(names: readonly string[]): Promise<string[][]> {
    const job = names.find((name) => /^[0-9]/.test(name));
    if (job !== undefined) throw unsupported(this.#path, `does not tell whose job number ${job} is`);
    if (names.length === 0) return [];
    const all = await this.identities();
    return names.map((name) => {
      // "name:" means the one without an id.
      if (name.includes(':')) return all.filter((identity) => identity === name.replace(/:$/, ''));
      return all.filter((identity) => identity.split(':')[0] === name);
    });
  }

  /** The first service that a name means. */
  async find(name: string): Promise<Service | undefined> {
    // Most likely it is the identity: asked for at the same time.
    const likely = hasServiceObject(name) ? this.#service(name) : undefined;
    const [identities, service] = await Promise.all([this.resolve([name]), likely]);
    const identity = identities[0]?.[0];
    if (identity === undefined) return undefined;
    if (service?.identity === identity) return service;
    return (await this.services([identity]))[0];
  }

  /** Several services; those that have been removed meanwhile are missing. */
  async services(identities: readonly string[]): Promise<Service[]> {
    for (const identity of identities) this.#requireObject(identity);
    const found = await Promise.all(identities.map((identity) => this.#service(identity)));
    return found.filter((service) => service !== undefined);
  }

  async #service(identity: string): Promise<Service | undefined> {
    const request = this.#request(getAll(servicePath(identity), SERVICE), `properties of ${identity}`, true);
    try {
      return toService(toProperties(await this.#client.ask(request)));
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (error.short === 'UnknownInterface' || error.short === 'UnknownObject') return undefined;
      throw refusal(error, request);
    }
  }

  async #refused(names: readonly string[], what: string, call: (name: string) => BusCall): Promise<string[]> {
    const accepted = await Promise.all(
      names.map(async (name) => {
        const request = this.#request(call(name), `${what} ${name}`, false);
        try {
          await this.#client.ask(request);
          return true;
        } catch (error) {
          if (!(error instanceof BusError)) throw error;
          if (['NoSuchService', 'Failed', 'UnknownObject'].includes(error.short)) return false;
          throw refusal(error, request);
        }
      }),
    );
    return names.filter((_, i) => !accepted[i]);
  }

  #request(call: BusCall, what: string, reads: boolean) {
    const timeout = this.#deadline.timeout;
    const common = { path: this.#path, deadline: this.#deadline, timeout, signal: this.#signal };
    return { ...common, call, what, reads };
  }

  #requireObject(identity: string): void {
    if (!hasServiceObject(identity))
      throw unsupported(this.#path, `has no object for ${identity}, whose name is too long for it`);
  }
}

/** The error for what the bus cannot do. */
export function unsupported(path: string, what: string): FinitError {
  return new FinitError('FINIT_UNSUPPORTED', `finit's bus ${what}: use transport "socket" or "auto"`, {
    path,
  });
}

function getAll(path: string, interfaceName: string): BusCall {
  return {
    ...{ path, interface: 'org.freedesktop.DBus.Properties', member: 'GetAll' },
    ...{ signature: 's', body: [interfaceName] },
  };
}

function toProperties([properties]: readonly unknown[]): BusProperties {
  return typeof properties === 'object' && properties !== null ? { ...properties } : {};
}
