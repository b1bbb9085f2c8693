/**
 * finit 4's control socket, `<run directory>/socket`.
 *
 * An exchange is one native burst: PID 1 reads from the accepted connection blockingly, so there is no JavaScript between
 * connect, send, half-close, and close. What to send, and what the answers mean, is here.
 */
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FinitError } from '../errors.js';
import { type BurstRequest, type BurstResult, native } from '../native.js';
import {
  Command,
  type CommandName,
  type ControlMessage,
  decodeAnswer,
  encodeRequest,
  type RequestFields,
} from '../protocol/control.js';
import { isWholeList } from '../protocol/enumeration.js';
import { endMarkers, releasesOf } from '../protocol/record-layouts.js';
import { type Runlevel, runlevelOf, type Service } from '../protocol/service.js';
import { decodeServiceRecord } from '../protocol/service-record.js';
import { encodeText } from '../protocol/text.js';
import { hasSince } from '../protocol/version.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { aborted, type Exchange, exchangeError, timedOut } from './errors.js';
import { Deadline } from './limits.js';
import { inTurn } from './turns.js';
import type {
  FinitVersion,
  PowerAction,
  RunlevelState,
  ServiceAction,
  Transport,
  WaitOptions,
} from './types.js';

/**
 * Connections that may wait in finit's backlog (of 10) at once. finit serves those that wait back to back, which leaves others less
 * room in between: with `initctl status` running all the time, 15 of 100 lists were whole with 1, and 44 with 4.
 */
const WINDOW = 4;
/** What has more services than this is no finit; a record is some 20 kB. */
const MOST_SERVICES = 1024;
/** How often an enumeration is done over because other clients got in between. */
const MOST_PASSES = 50;
/** Of two entries one cannot see what is missing between them: so many lists have to agree. */
const PAIRS_AGREEING = 3;
/** The longest pause before, in milliseconds. */
const LONGEST_PAUSE = 20;

interface Call extends Exchange {
  deadline: Deadline;
}

/** A request, before it is bytes. */
interface Request extends RequestFields {
  command: CommandName;
}

class ControlSocket implements Transport {
  readonly kind = 'socket';
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async listServices(wait?: WaitOptions): Promise<Service[]> {
    const call = this.#call('list services', wait);
    // Two enumerations of this process would take each other's entries as well as a stranger's.
    return await inTurn(this.path, call, () => enumerate(call));
  }

  async findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    return decodeServiceRecord(await this.#firstRecord(name, wait));
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
    const answer = await this.#request('getRunlevel', {}, wait);
    const current = runlevelOf(answer.runlevel);
    if (current === undefined)
      throw new FinitError(
        'FINIT_BAD_REPLY',
        `finit says that it is in runlevel ${answer.runlevel}, which does not exist`,
        { path: this.path },
      );
    const previous = runlevelOf(answer.sleeptime);
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

  async version(wait?: WaitOptions): Promise<FinitVersion> {
    // The length of the record is what is wanted. There mostly is a job 1, and a record with something in it tells 4.2 from 4.3.
    const record = await this.#firstRecord('1', wait);
    const candidates = releasesOf(record);
    const [version] = candidates;
    const evidence = `the length of a service record, ${record.length} bytes`;
    return candidates.length === 1 && version !== undefined
      ? { version, candidates, evidence }
      : { candidates, evidence };
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

  async #firstRecord(name: string, wait?: WaitOptions): Promise<Buffer> {
    const packet = encodeRequest(Command.findService, { data: name });
    const [record] = await exchange(this.#call(describe('findService', name), wait), [packet]);
    return record as Buffer;
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
    const replies = await exchange(call, packets);
    return replies.map(decodeAnswer);
  }

  #call(what: string, { timeout, signal }: WaitOptions = {}): Call {
    const deadline = new Deadline(timeout);
    return { path: this.path, what, timeout: deadline.timeout, deadline, signal };
  }
}

/** The control socket of the finit that these options mean. */
export function connectControlSocket(options: FinitOptions = {}): Transport {
  return new ControlSocket(join(resolveRunDir(options), 'socket'));
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

async function enumerate(call: Call): Promise<Service[]> {
  const requests = [1, 0].map((runlevel) => encodeRequest(Command.iterateServices, { runlevel }));
  const options = { repeat: true, endMarkers: endMarkers(), limit: MOST_SERVICES };
  let before = '';
  let alike = 0;
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    if (pass > 1) await pause(call);
    const { errno, syscall, replies } = await burst(call, requests, options);
    // Before anything else: records that are not known have no end that could be seen.
    const services = replies
      .map((record) => decodeServiceRecord(record))
      .filter((service) => service !== undefined);
    if (errno === constants.errno.EOVERFLOW) throw endless(call);
    if (errno !== 0) throw exchangeError(errno, syscall, { ...call, answers: replies.length });
    const identities = services.map(({ identity }) => identity).join(' ');
    alike = identities === before ? alike + 1 : 1;
    before = identities;
    if (isWholeList(replies) && (services.length !== 2 || alike === PAIRS_AGREEING)) return services;
  }
  throw new FinitError(
    'FINIT_BAD_REPLY',
    `finit's list of services was not whole in ${MOST_PASSES} attempts: finit has one iterator for ` +
      'all clients, and others keep listing at the same time. Try again, or ask for services by name.',
    { path: call.path },
  );
}

function endless({ path }: Call): FinitError {
  return new FinitError(
    'FINIT_BAD_REPLY',
    `The list of services on ${path} has no end: ${MOST_SERVICES} and more`,
    { path },
  );
}

/** Out of step with the others, who may be doing the same. */
async function pause(call: Call): Promise<void> {
  const time = Math.min(call.deadline.left, Math.random() * LONGEST_PAUSE);
  await sleep(time, undefined, call.signal && { signal: call.signal }).catch(() => {});
}

/** One answer to each packet, or an error. */
async function exchange(call: Call, packets: Uint8Array[]): Promise<Buffer[]> {
  const { errno, syscall, replies } = await burst(call, packets);
  if (errno !== 0) throw exchangeError(errno, syscall, { ...call, answers: replies.length });
  return replies;
}

async function burst(
  call: Call,
  requests: Uint8Array[],
  enumeration: Pick<BurstRequest, 'repeat' | 'endMarkers' | 'limit'> = {
    repeat: false,
    endMarkers: new Uint32Array(),
    limit: 0,
  },
): Promise<BurstResult> {
  const { path, signal, deadline } = call;
  if (signal?.aborted) throw aborted(call);
  const timeout = Math.ceil(deadline.left);
  if (timeout === 0) throw timedOut(call);
  const addon = native();
  const { id, result } = addon.burst({ path, requests, window: WINDOW, timeout, ...enumeration });
  const cancel = () => addon.cancel(id);
  signal?.addEventListener('abort', cancel);
  try {
    return await result;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** A request in words, for messages. */
function describe(command: CommandName, data = ''): string {
  return data === '' ? command : `${command} ${data}`;
}
