/**
 * finit's bus as one thing, whatever happens to the connection: calls in, answers and signals out.
 *
 * There is one for each bus and JavaScript environment. It connects when there is something to say and hangs up when nobody wants
 * it any more, for finit takes 64 clients.
 */
import { FinitError } from '../errors.js';
import { BusError, type Loss, late, lossError, refusal } from './bus-errors.js';
import { Link } from './bus-link.js';
import { type BusCall, type BusMessage, encodeCall, MessageType } from './bus-message.js';
import { aborted, type Exchange } from './errors.js';
import type { Deadline } from './limits.js';

/** A call with what is to be known about it. */
export interface Request extends Exchange {
  call: BusCall;
  /** Changes nothing, so that it may be asked again when the connection was lost. */
  reads: boolean;
  deadline: Deadline;
}

/** Who wants to hear signals. */
export interface Listener {
  signal(message: BusMessage): void;
  /** The connection is gone, and signals with it, until somebody calls. */
  lost(loss: Loss): void;
}

/**
 * Calls that are under way at once. finit drops a client whose socket is full, and their answers (1 – 2 kB each) have to fit in it
 * (some 200 kB) while this process does not read.
 */
const WINDOW = 16;
/** Calls that wait for their turn; finit has fewer services than that. */
const MOST_WAITING = 4096;
/** So long a connection is kept for the next call, in milliseconds. */
const IDLE = 2000;

interface Pending {
  request: Request;
  retried: boolean;
  /** Its caller has gone; finit may answer yet. */
  settled: boolean;
  settle(outcome: BusMessage | Error): void;
}

export class BusClient {
  readonly #path: string;
  readonly #queue: Pending[] = [];
  readonly #underWay = new Map<number, Pending>();
  readonly #listeners = new Set<Listener>();
  #link: Link | undefined;
  #rules: Promise<unknown> | undefined;
  #serial = 0;
  /** Calls whose caller waits. */
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Asks finit.
   * @returns the arguments of its answer.
   * @throws {BusError} when it says no.
   * @throws {FinitError} `FINIT_NOT_RUNNING`, `FINIT_ACCESS_DENIED`, `FINIT_TIMEOUT`, `FINIT_ABORTED`, `FINIT_CONNECTION_LOST`,
   *   `FINIT_BUSY`, `FINIT_BAD_REPLY`, `FINIT_SYSTEM`
   */
  async ask(request: Request): Promise<readonly unknown[]> {
    const { errorName, body } = await this.#answer(request);
    if (errorName !== '') throw new BusError(errorName, typeof body[0] === 'string' ? body[0] : '');
    return body;
  }

  /** As {@link ask}, with finit's no as a FinitError too. */
  async demand(request: Request): Promise<readonly unknown[]> {
    return await this.ask(request).catch((error) => {
      throw error instanceof BusError ? refusal(error, request) : error;
    });
  }

  /**
   * Adds the rules for signals, once for each connection: finit takes 16.
   * @throws {FinitError} as {@link demand}
   */
  async addRules(requests: () => Request[]): Promise<void> {
    const rules = this.#rules ?? Promise.all(requests().map((request) => this.demand(request)));
    this.#rules = rules;
    try {
      await rules;
    } catch (error) {
      if (this.#rules === rules) this.#rules = undefined;
      throw error;
    }
  }

  /** Hears signals, as far as rules for them are added, and keeps the connection. @returns ends that */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#tend();
    return () => {
      this.#listeners.delete(listener);
      this.#tend();
    };
  }

  #answer(request: Request): Promise<BusMessage> {
    const { signal, deadline } = request;
    if (signal?.aborted) return Promise.reject(aborted(request));
    if (this.#queue.length >= MOST_WAITING) return Promise.reject(tooMany(request));
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const timer = setTimeout(() => pending.settle(late(request)), deadline.left);
      const pending: Pending = {
        request,
        retried: false,
        settled: false,
        settle: (outcome) => {
          if (pending.settled) return;
          pending.settled = true;
          clearTimeout(timer);
          forget();
          const place = this.#queue.indexOf(pending);
          if (place >= 0) this.#queue.splice(place, 1);
          this.#waiting--;
          this.#tend();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      if (signal) forget = onAbort(signal, () => pending.settle(aborted(request)));
      this.#waiting++;
      this.#queue.push(pending);
      this.#tend();
      // Several calls of one moment are one write.
      queueMicrotask(() => this.#pump());
    });
  }

  #pump(): void {
    if (this.#queue.length === 0) return;
    if (this.#link === undefined) {
      const link = new Link(this.#path, {
        open: () => this.#pump(),
        message: (message) => this.#take(message),
        lost: (loss) => this.#lose(link, loss),
      });
      this.#link = link;
      return;
    }
    if (!this.#link.isOpen) return;
    if (this.#underWay.size >= WINDOW && [...this.#underWay.values()].every(({ settled }) => settled)) {
      // Nobody waits for any of these any more, and they stand in the way.
      this.#link.destroy();
      this.#lose(this.#link, { closed: true, open: true });
      return;
    }
    const messages: Buffer[] = [];
    while (this.#underWay.size < WINDOW) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      const message = this.#encode(next);
      if (message !== undefined) messages.push(message);
    }
    if (messages.length > 0) this.#link.send(Buffer.concat(messages));
  }

  #encode(pending: Pending): Buffer | undefined {
    this.#serial = this.#serial >= 0xffff_ffff ? 1 : this.#serial + 1;
    try {
      const message = encodeCall(pending.request.call, this.#serial);
      this.#underWay.set(this.#serial, pending);
      return message;
    } catch (error) {
      const { what, path } = pending.request;
      const why = `"${what}" cannot be said on the bus: ${(error as Error).message}`;
      pending.settle(new FinitError('FINIT_INVALID_ARGUMENT', why, { path, cause: error }));
      return undefined;
    }
  }

  #take(message: BusMessage): void {
    if (message.type === MessageType.signal) {
      for (const listener of [...this.#listeners]) listener.signal(message);
      return;
    }
    const { replySerial } = message;
    if (replySerial === undefined) return;
    for (const [serial, pending] of this.#underWay) {
      // finit answers in order. What it has passed over will not come.
      if (serial !== replySerial && !pending.settled) continue;
      if (serial > replySerial) continue;
      this.#underWay.delete(serial);
      if (serial === replySerial) pending.settle(message);
    }
    if (this.#underWay.size <= WINDOW / 2) this.#pump();
  }

  #lose(link: Link, loss: Loss): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#rules = undefined;
    const underWay = [...this.#underWay.values()].filter(({ settled }) => !settled);
    this.#underWay.clear();
    const again = 'closed' in loss || 'errno' in loss ? loss.open : false;
    // What has not been sent waits for the next connection, unless there is none to be had.
    const lost = again ? underWay.filter(({ request, retried }) => retried || !request.reads) : underWay;
    const rest = underWay.filter((pending) => !lost.includes(pending));
    for (const pending of rest) pending.retried = true;
    if (!again) lost.push(...this.#queue);
    this.#queue.unshift(...rest);
    for (const { request, settle } of lost) settle(lossError(loss, request));
    for (const listener of [...this.#listeners]) listener.lost(loss);
    this.#pump();
    this.#tend();
  }

  /** Keeps the process alive while somebody waits or listens, and hangs up some time after that. */
  #tend(): void {
    const wanted = this.#waiting > 0 || this.#listeners.size > 0;
    this.#link?.keepAlive(wanted);
    if (wanted) {
      clearTimeout(this.#idle);
      this.#idle = undefined;
    } else
      this.#idle ??= setTimeout(() => {
        this.#idle = undefined;
        this.#link?.destroy();
        this.#link = undefined;
        this.#rules = undefined;
        this.#underWay.clear();
        if (clients.get(this.#path) === this) clients.delete(this.#path);
      }, IDLE).unref();
  }
}

const clients = new Map<string, BusClient>();

/** The client of the bus at this path, which all in this environment share. */
export function busClient(path: string): BusClient {
  let client = clients.get(path);
  if (client === undefined) {
    client = new BusClient(path);
    clients.set(path, client);
  }
  return client;
}

const aborts = new WeakMap<AbortSignal, Set<() => void>>();

/** One listener for all calls with the same signal: of many, Node warns. @returns takes it back */
function onAbort(signal: AbortSignal, act: () => void): () => void {
  const known = aborts.get(signal);
  const acts = known ?? new Set();
  if (known === undefined) {
    aborts.set(signal, acts);
    const actAll = () => {
      for (const each of [...acts]) each();
    };
    signal.addEventListener('abort', actAll, { once: true });
  }
  acts.add(act);
  return () => acts.delete(act);
}

function tooMany({ path, what }: Request): FinitError {
  return new FinitError(
    'FINIT_BUSY',
    `"${what}" was not asked: ${MOST_WAITING} calls wait for ${path} already`,
    {
      path,
    },
  );
}
