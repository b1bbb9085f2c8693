/**
 * finit 4's control socket, `<run directory>/socket`.
 *
 * An exchange is one native burst: PID 1 reads from the accepted connection blockingly, so there is no JavaScript between
 * connect, send, half-close, and close. What to send, and what the answers mean, is here.
 */
import { join } from 'node:path';
import { FinitError } from '../errors.js';
import {
  Command,
  type CommandName,
  type ControlMessage,
  decodeAnswer,
  encodeRequest,
  type RequestFields,
} from '../protocol/control.js';
import { releasesOf } from '../protocol/record-layouts.js';
import { type Runlevel, runlevelOf, type Service } from '../protocol/service.js';
import { decodeServiceRecord } from '../protocol/service-record.js';
import { encodeText } from '../protocol/text.js';
import { hasSince } from '../protocol/version.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { type Call, enumerate, exchange } from './burst.js';
import { Deadline } from './limits.js';
import type {
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  WaitOptions,
} from './types.js';

/** Commands that change nothing. */
const QUESTIONS: ReadonlySet<CommandName> = new Set([
  'queryServices',
  'getRunlevel',
  'listPlugins',
  'pluginDependencies',
]);

/** finit's name for its own watchdogd. */
const OWN_WATCHDOGD = 'watchdog:finit';

/** A request, before it is bytes. */
interface Request extends RequestFields {
  command: CommandName;
}

export class ControlSocket implements Transport {
  readonly kind = 'socket';
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async listServices(wait?: WaitOptions): Promise<Service[]> {
    return await enumerate(this.#call('list services', wait));
  }

  findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    return this.#firstRecord(name, toService, wait);
  }

  async unknownServices(names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    // One query for each name: finit's answer to a query for several cuts the names it does not know at 19 characters.
    return await this.#refused('queryServices', names, {}, wait);
  }

  async act(action: ServiceAction, names: readonly string[], wait?: WaitOptions): Promise<string[]> {
    return await this.#refused(action === 'reload' ? 'reloadService' : action, names, {}, wait);
  }

  async signalServices(names: readonly string[], signal: number, wait?: WaitOptions): Promise<string[]> {
    await this.#require('4.3', 'a command for sending signals', wait);
    return await this.#refused('signal', names, { runlevel: signal }, wait);
  }

  async runlevel(wait?: WaitOptions): Promise<RunlevelState> {
    const { runlevel, sleeptime } = await this.#request('getRunlevel', {}, wait);
    const previous = sleeptime > 0 ? runlevelOf(sleeptime) : undefined;
    // In 4.2 and 4.3 the bootstrap is runlevel 0 as well (INIT_LEVEL in src/finit.h); but there was none before it.
    const current = runlevel === 0 && previous === undefined ? 'S' : runlevelOf(runlevel);
    if (current === undefined)
      throw new FinitError(
        'FINIT_BAD_REPLY',
        `finit says that it is in runlevel ${runlevel}, which does not exist`,
        { path: this.path },
      );
    return previous === undefined ? { current } : { current, previous };
  }

  async setRunlevel(level: Runlevel, wait?: WaitOptions): Promise<void> {
    await this.#request('setRunlevel', { runlevel: String(level).charCodeAt(0) }, wait);
  }

  async reload(wait?: WaitOptions): Promise<void> {
    await this.#request('reload', {}, wait);
  }

  async toggleDebug(wait?: WaitOptions): Promise<void> {
    await this.#request('toggleDebug', {}, wait);
  }

  async power(action: PowerAction, force: number, wait?: WaitOptions): Promise<void> {
    const request = { command: action, sleeptime: force };
    if (action === 'suspend') await this.#request(action, request, wait);
    // ACK or NACK: do_reboot() in src/api.c begins with `int rc = 1` and leaves it so, hence all of 4.x say no and do it.
    else await this.#requestEach([request], wait);
  }

  async plugins(wait?: WaitOptions): Promise<string[]> {
    await this.#require('4.4', 'a command that lists plugins', wait);
    return splitWords((await this.#request('listPlugins', {}, wait)).data);
  }

  async pluginDependencies(name: string, wait?: WaitOptions): Promise<string[]> {
    await this.#require('4.4', 'a command that lists plugins', wait);
    return splitWords((await this.#request('pluginDependencies', { data: name }, wait)).data);
  }

  async switchRoot(newRoot: string, init: string, wait?: WaitOptions): Promise<void> {
    await this.#require('4.16', 'switch-root', wait);
    await this.#request('switchRoot', { data: encodeText(`${newRoot}\0${init}`) }, wait);
  }

  /** WDOG_HELLO: src/api.c of 4.2 – 4.17. finit says yes also to what it does not do. */
  async giveWatchdogTo(pid: number, wait: WaitOptions = {}): Promise<void> {
    const deadline = new Deadline(wait.timeout);
    const rest = () => ({ ...wait, timeout: Math.max(1, deadline.left) });
    await this.#request('watchdogHello', { runlevel: pid }, rest());
    // It ends only a watchdogd that is `protect`ed, and since 4.6 its own is not: that comes from a file in /run/finit/system
    // (conf_save_service() in src/conf.c), which is a file like others to register_service() in src/service.c.
    const services = await this.listServices(rest());
    const isRunning = services.some((one) => one.identity === OWN_WATCHDOGD && one.pid !== undefined);
    if (isRunning && services.some((one) => one.pid === pid)) await this.act('stop', [OWN_WATCHDOGD], rest());
  }

  async version(wait?: WaitOptions): Promise<FinitVersion> {
    // The length of the record is what is wanted. There mostly is a job 1, and a record with something in it tells 4.2 from 4.3.
    return await this.#firstRecord(
      '1',
      (record) => {
        const candidates = releasesOf(record);
        const [version] = candidates;
        const evidence = `the length of a service record, ${record.length} bytes`;
        return candidates.length === 1 && version !== undefined
          ? { version, candidates, evidence }
          : { candidates, evidence };
      },
      wait,
    );
  }

  /**
   * finit says yes to commands that it does not know, and does nothing.
   * @throws {FinitError} `FINIT_UNSUPPORTED` when it is known to be older.
   */
  async #require(since: string, what: string, wait?: WaitOptions): Promise<void> {
    const { candidates } = await this.version(wait);
    if (hasSince(candidates, since) === false)
      throw new FinitError(
        'FINIT_UNSUPPORTED',
        `finit has ${what} from version ${since} on, this one is ${candidates.join(' or ')}`,
        { path: this.path },
      );
  }

  async #firstRecord<T>(name: string, read: (record: Buffer) => T, wait?: WaitOptions): Promise<T> {
    const packet = encodeRequest(Command.findService, { data: name });
    const [value] = await exchange(this.#call(describe('findService', name), wait), [packet], read, true);
    return value as T;
  }

  /** The names, asked one by one and back to back, to which finit says no. */
  async #refused(
    command: CommandName,
    names: readonly string[],
    fields: RequestFields,
    wait?: WaitOptions,
  ): Promise<string[]> {
    const answers = await this.#requestEach(
      names.map((data) => ({ command, ...fields, data })),
      wait,
    );
    return names.filter((_, i) => !answers[i]?.ok);
  }

  /** One request that finit answers with yes. */
  async #request(
    command: CommandName,
    fields: RequestFields = {},
    wait?: WaitOptions,
  ): Promise<ControlMessage> {
    const [answer] = await this.#requestEach([{ ...fields, command }], wait);
    if (answer?.ok) return answer;
    // A NACK repeats the request's text, unless there is something to say.
    const said = answer?.data === fields.data ? undefined : answer?.data.trim();
    const subject = typeof fields.data === 'string' ? fields.data : undefined;
    throw new FinitError(
      'FINIT_REFUSED',
      `finit refused "${describe(command, subject)}": ${said || 'it gave no reason'}`,
      { path: this.path, ...(subject !== undefined && { subject }) },
    );
  }

  /** Several requests, in this order, back to back; a no is no error. The answers are in the same order. */
  async #requestEach(
    requests: readonly Request[],
    wait?: WaitOptions,
  ): Promise<(ControlMessage & { ok: boolean })[]> {
    const packets = requests.map(({ command, ...fields }) => encodeRequest(Command[command], fields));
    const what = requests
      .map(({ command, data }) => describe(command, typeof data === 'string' ? data : ''))
      .join(', ');
    const call = this.#call(what, wait);
    if (packets.length === 0) return [];
    const again = requests.every(({ command }) => QUESTIONS.has(command));
    return await exchange(call, packets, decodeAnswer, again);
  }

  #call(what: string, { timeout, signal }: WaitOptions = {}): Call {
    const deadline = new Deadline(timeout);
    return { path: this.path, what, timeout: deadline.timeout, deadline, signal };
  }
}

/** The control socket of the finit that these options mean. */
export function connectControlSocket(options: FinitOptions = {}): ControlSocket {
  return new ControlSocket(join(resolveRunDir(options), 'socket'));
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** As `map` calls it, with more than a record. */
const toService = (record: Buffer): Service | undefined => decodeServiceRecord(record);

/** A request in words, for messages. */
function describe(command: CommandName, data = ''): string {
  return data === '' ? command : `${command} ${data}`;
}
