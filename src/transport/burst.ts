/**
 * Exchanges with the control socket: what is sent together, and how long it may take. The system calls are in the addon.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FinitError, isFinitError } from '../errors.js';
import { native, Outcome, SYSCALLS } from '../native.js';
import { Command, encodeRequest } from '../protocol/control.js';
import { isWholeList, Pieces } from '../protocol/enumeration.js';
import { endMarkers } from '../protocol/record-layouts.js';
import type { Service } from '../protocol/service.js';
import { decodeServiceRecord } from '../protocol/service-record.js';
import { type Arena, answersIn, giveArena, takeArena, takeLargeArena } from './arena.js';
import { aborted, type Exchange, exchangeError, timedOut } from './errors.js';
import { gate } from './gate.js';
import type { Deadline } from './limits.js';
import { lockOwner } from './lock-owner.js';

/** Connections that may wait in finit's backlog (of 10) at once: finit serves those back to back, without waiting for us in between. */
const WINDOW = 8;
/** Bursts that may have connections at once. */
const AT_ONCE = 4;
/** What has more services than this is no finit; a record is some 20 kB. */
const MOST_SERVICES = 4096;
/** Of two entries one cannot see what is missing between them: so many lists have to agree. */
const PAIRS_AGREEING = 3;
/** After another client was seen at it, so many lists in a row have to agree. */
const LISTS_AGREEING = 2;
/** The longest pause before an enumeration is done over because others got in between, in milliseconds. */
const LONGEST_PAUSE = 20;
/** How long another process of ours may keep the lock: longer than any list takes, unless it has been stopped. In milliseconds. */
const LONGEST_LOCK = 100;
/**
 * For so long, in microseconds, the JavaScript thread itself waits for answers: most are there in 20 to 60, sooner than another thread
 * would have woken up.
 */
const PATIENCE = 400;
/** The same for a list. */
const LIST_PATIENCE = 2000;
/** So many exchanges in a row may be over at once, some 50 µs each, before timers and I/O have a turn. */
const MOST_AT_ONCE = 16;
/** Once it was in vain, so many bursts at most are not waited for. */
const MOST_SKIPS = 64;

/** A call that is under way: what it is, and until when. */
export interface Call extends Exchange {
  deadline: Deadline;
}

/**
 * One answer to each packet, each on a connection of its own, in order.
 * @param read - called with each answer; its bytes are valid no longer than that.
 * @param again - what is asked changes nothing: it may be asked again when finit is just making its socket anew.
 * @throws {FinitError} as {@link exchangeError}; `FINIT_BUSY`
 */
export async function exchange<T>(
  call: Call,
  packets: readonly Uint8Array[],
  read: (reply: Buffer) => T,
  again: boolean,
): Promise<T[]> {
  const places = gate(call.path, AT_ONCE);
  const waiting = places.enter(call);
  if (waiting) await waiting;
  const arena = takeArena(packets.length);
  try {
    for (let renewal: Renewal | undefined; ; ) {
      const going = burst(call, packets, arena, PATIENCE);
      if (going) await going;
      else if (++atOnce >= MOST_AT_ONCE) await letOthersRun();
      const errno = arena.outcome[Outcome.errno] ?? 0;
      if (errno === 0) return answersIn(arena).map(read);
      // Nothing has been sent, where not even the first connection came about.
      const harmless = again || (packets.length === 1 && errno !== constants.errno.ECONNRESET);
      renewal ??= new Renewal(call);
      if (!harmless || !(await renewal.mayBe(errno))) throwFailure(call, arena);
    }
  } finally {
    giveArena(arena);
    places.leave();
  }
}

/** For so long finit may be without its socket, in milliseconds. It takes it microseconds, or its next turn on a busy machine. */
const LONGEST_RENEWAL = 500;

/**
 * At SIGHUP finit closes its socket and makes it anew (sighup_cb() in src/sig.c, 4.2 … 5.0-dev): who waits in its backlog is reset, and
 * for a moment there is none.
 */
class Renewal {
  readonly #call: Call;
  #end: number | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Whether that is what the error means: after a moment it may be tried again. Otherwise finit has gone. */
  async mayBe(errno: number): Promise<boolean> {
    const { ENOENT, ECONNREFUSED, ECONNRESET } = constants.errno;
    if (errno !== ENOENT && errno !== ECONNREFUSED && errno !== ECONNRESET) return false;
    // It is there as long as finit runs, and not before.
    this.#end ??= performance.now() + LONGEST_RENEWAL;
    if (performance.now() > this.#end || !existsSync(join(dirname(this.#call.path), 'cond/reconf')))
      return false;
    await pause(this.#call, 5);
    return this.#call.deadline.left > 0 && !this.#call.signal?.aborted;
  }
}

/**
 * All services, from finit's one iterator for all clients: one at a time among our own processes, and done over when it is seen that
 * others were at it.
 * @throws {FinitError} `FINIT_BAD_REPLY` when there is no end to it; `FINIT_BUSY` when others kept getting in between; as {@link exchangeError}
 */
export async function enumerate(call: Call): Promise<Service[]> {
  // Two enumerations of this process would take each other's entries as well as a stranger's.
  const turn = gate(`list ${call.path}`, 1);
  const waiting = turn.enter(call);
  if (waiting) await waiting;
  try {
    const lock = await takeLock(call);
    try {
      return await untilWhole(call);
    } finally {
      if (lock !== undefined) native().unlock(lock);
    }
  } finally {
    turn.leave();
  }
}

/** Room for a list, in bytes: as much as the last one took, and some. */
let listRoom = 1024 * 1024;

async function untilWhole(call: Call): Promise<Service[]> {
  let before: string | undefined;
  let alike = 0;
  let disturbed = 0;
  const pieces = new Pieces<Service>();
  let renewal: Renewal | undefined;
  for (;;) {
    renewal ??= new Renewal(call);
    const pass = await onePass(call, pieces, renewal).catch((error) => {
      throw disturbed > 0 && isFinitError(error, 'FINIT_TIMEOUT') ? crowded(call, disturbed, error) : error;
    });
    if (pass === 'again') continue;
    renewal = undefined;
    if (pass === 'disturbed') disturbed++;
    const services = pass === 'disturbed' ? pieces.take() : pass;
    if (services !== undefined) {
      const agreeing = services.length === 2 ? PAIRS_AGREEING : disturbed > 0 ? LISTS_AGREEING : 1;
      if (agreeing === 1) return services;
      const identities = services.map(({ identity }) => identity).join(' ');
      alike = identities === before ? alike + 1 : 1;
      before = identities;
      if (alike === agreeing) return services;
    }
    await pause(call);
  }
}

/** The first, and then the next and the next. */
const LIST_REQUESTS = [1, 0].map((runlevel) => encodeRequest(Command.iterateServices, { runlevel }));

/** From the first to the last, in one burst. */
async function onePass(
  call: Call,
  pieces: Pieces<Service>,
  renewal: Renewal,
): Promise<Service[] | 'disturbed' | 'again'> {
  const arena = takeLargeArena(listRoom, MOST_SERVICES);
  try {
    const going = burst(call, LIST_REQUESTS, arena, LIST_PATIENCE, endMarkers());
    await (going ?? letOthersRun());
    const errno = arena.outcome[Outcome.errno];
    if (errno === constants.errno.ENOBUFS) {
      listRoom = arena.bytes.length * 2;
      return 'again';
    }
    const replies = answersIn(arena);
    // Before anything else: records that are not known have no end that could be seen.
    const services: Service[] = [];
    for (const reply of replies) {
      const service = decodeServiceRecord(reply);
      if (service !== undefined) services.push(service);
    }
    if (errno === constants.errno.EOVERFLOW) throw endless(call);
    if (errno && (await renewal.mayBe(errno))) return 'again';
    throwFailure(call, arena);
    if (isWholeList(replies)) return services;
    pieces.add(
      replies,
      services.map(({ identity }) => identity),
      services,
    );
    return 'disturbed';
  } finally {
    giveArena(arena);
  }
}

/**
 * The lock on finit's run directory under which processes of ours list, so that they do not disturb each other. Where there is none to be
 * had in time (its owner has been stopped), they do, and see it.
 */
async function takeLock(call: Call): Promise<number | undefined> {
  const directory = dirname(call.path);
  let owner: string | undefined;
  let end = 0;
  for (;;) {
    const lock = native().lock(directory);
    if (lock >= 0) return lock;
    if (lock !== -constants.errno.EWOULDBLOCK || call.deadline.left === 0) return undefined;
    if (performance.now() > end) {
      // As long as one gives it to the next, it is a queue.
      const now = lockOwner(directory);
      if (end > 0 && now === owner) return undefined;
      owner = now;
      end = performance.now() + LONGEST_LOCK;
    }
    await pause(call, 2);
  }
}

function endless({ path }: Call): FinitError {
  return new FinitError(
    'FINIT_BAD_REPLY',
    `The list of services on ${path} has no end: ${MOST_SERVICES} and more`,
    { path },
  );
}

function crowded({ path, timeout }: Call, times: number, cause: unknown): FinitError {
  return new FinitError(
    'FINIT_BUSY',
    `finit's list of services was disturbed by others ${times} times within ${timeout} ms: finit has one iterator for ` +
      'all clients, and they keep listing at the same time. Try again, or ask for services by name.',
    { path, cause },
  );
}

/** Out of step with the others, who may be doing the same. */
async function pause(call: Call, longest = LONGEST_PAUSE): Promise<void> {
  const time = Math.min(call.deadline.left, Math.random() * longest);
  await sleep(time, undefined, call.signal && { signal: call.signal }).catch(() => {});
}

/** Exchanges that were over at once since timers and I/O last had their turn. */
let atOnce = 0;

/** A loop over calls that are over at once would never let the event loop go on. */
function letOthersRun(): Promise<void> {
  atOnce = 0;
  return new Promise((resolve) => setImmediate(resolve));
}

/** For each socket, how many bursts are not waited for, now and after the next that is waited for in vain. */
const skips = new Map<string, { left: number; next: number }>();

/** A promise if it is not over yet. */
function burst(
  call: Call,
  requests: readonly Uint8Array[],
  { bytes, outcome }: Arena,
  patience: number,
  endMarkers?: Uint32Array,
): Promise<void> | undefined {
  const { path, signal, deadline } = call;
  if (signal?.aborted) throw aborted(call);
  const timeout = Math.ceil(deadline.left);
  if (timeout === 0) throw timedOut(call);
  const addon = native();
  const skip = skips.get(path);
  const patient = skip === undefined || skip.left === 0;
  if (!patient) skip.left--;
  const going = addon.burst(
    path,
    requests,
    bytes,
    outcome,
    WINDOW,
    timeout,
    patient ? patience : 0,
    endMarkers,
  );
  if (going === undefined) {
    if (skip !== undefined) skips.delete(path);
    return undefined;
  }
  // finit is slow, or stands still: whoever asks it often is not to wait for that in vain each time.
  if (patient) {
    const next = Math.min(MOST_SKIPS, (skip?.next ?? 0) * 2 + 1);
    skips.set(path, { left: next, next });
  }
  if (signal === undefined) return going.result;
  const cancel = () => addon.cancel(going.id);
  signal.addEventListener('abort', cancel);
  return going.result.finally(() => signal.removeEventListener('abort', cancel));
}

function throwFailure(call: Call, { outcome }: Arena): void {
  const errno = outcome[Outcome.errno] ?? 0;
  const syscall = SYSCALLS[outcome[Outcome.syscall] ?? 0] ?? '';
  if (errno !== 0) throw exchangeError(errno, syscall, { ...call, answers: outcome[Outcome.answers] ?? 0 });
}
