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
  decodeAnswer,
  encodeRequest,
  type RequestFields,
} from '../protocol/control.js';
import { isWholeList } from '../protocol/enumeration.js';
import { endMarkers } from '../protocol/record-layouts.js';
import type { Service } from '../protocol/service.js';
import { decodeServiceRecord } from '../protocol/service-record.js';
import { type FinitOptions, resolveRunDir } from '../run-dir.js';
import { aborted, type Exchange, exchangeError, timedOut } from './errors.js';
import { Deadline } from './limits.js';
import { inTurn } from './turns.js';
import type { Answer, Request, Transport, WaitOptions } from './types.js';

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

class ControlSocket implements Transport {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async request(command: CommandName, fields: RequestFields = {}, wait?: WaitOptions): Promise<Answer> {
    const [answer] = await this.requestEach([{ command, ...fields }], wait);
    if (answer?.ok) return answer;
    // A NACK repeats the request's text, unless there is something to say.
    const said = answer?.data === fields.data ? undefined : answer?.data.trim();
    throw new FinitError(
      'FINIT_REFUSED',
      `finit refused "${describe(command, fields.data)}": ${said || 'it gave no reason'}`,
      { path: this.#path, ...(fields.data !== undefined && { subject: fields.data }) },
    );
  }

  async requestEach(requests: readonly Request[], wait?: WaitOptions): Promise<Answer[]> {
    const packets = requests.map(({ command, ...fields }) => encodeRequest(Command[command], fields));
    const what = requests.map(({ command, data }) => describe(command, data)).join(', ');
    const call = this.#call(what, wait);
    if (packets.length === 0) return [];
    const replies = await exchange(call, packets);
    return replies.map(decodeAnswer);
  }

  async findService(name: string, wait?: WaitOptions): Promise<Service | undefined> {
    const packet = encodeRequest(Command.findService, { data: name });
    const replies = await exchange(this.#call(describe('findService', name), wait), [packet]);
    return replies.map((record) => decodeServiceRecord(record))[0];
  }

  async listServices(wait?: WaitOptions): Promise<Service[]> {
    const call = this.#call('list services', wait);
    // Two enumerations of this process would take each other's entries as well as a stranger's.
    return await inTurn(this.#path, call, () => enumerate(call));
  }

  #call(what: string, { timeout, signal }: WaitOptions = {}): Call {
    const deadline = new Deadline(timeout);
    return { path: this.#path, what, timeout: deadline.timeout, deadline, signal };
  }
}

/** The control socket of the finit that these options mean. */
export function connectControlSocket(options: FinitOptions = {}): Transport {
  return new ControlSocket(join(resolveRunDir(options), 'socket'));
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
