/** finit 5's signals as a stream that outlives its connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FinitErrorCode, isFinitError } from '../errors.js';
import { type BusSignal, MATCH_RULES, toBusSignal } from '../protocol/bus-signals.js';
import { Queue } from '../queue.js';
import { type BusClient, busClient, type Request } from './bus-client.js';
import { Deadline } from './limits.js';

/** From the loss of a connection to the next, in milliseconds. */
const SOON = 20;
/** Between two attempts to get one. */
const AGAIN = 500;
/** So many signals may wait for a reader; of more, nothing is left but that there were some. */
const LIMIT = 1024;

/** What may pass: finit is gone, is being restarted, or serves too many. */
const PASSING: readonly FinitErrorCode[] = [
  ...(['FINIT_NOT_RUNNING', 'FINIT_CONNECTION_LOST', 'FINIT_TIMEOUT', 'FINIT_BUSY'] as const),
];

/** As {@link watchBus}, for the bus at this path. */
export function watchBusAt(path: string, signal: AbortSignal | undefined): AsyncIterableIterator<BusSignal> {
  const stop = new AbortController();
  const client = busClient(path);
  const onAbort = () => queue.end();
  const queue = new Queue<BusSignal>({
    fold: () => [{ type: 'resync' }],
    limit: LIMIT,
    onEnd: () => {
      signal?.removeEventListener('abort', onAbort);
      stop.abort();
    },
  });
  if (signal?.aborted) queue.end();
  else {
    signal?.addEventListener('abort', onAbort, { once: true });
    follow(client, path, (one) => queue.push(one), stop.signal).catch((error) => queue.end(error));
  }
  return queue;
}

async function follow(
  client: BusClient,
  path: string,
  push: (signal: BusSignal) => void,
  stop: AbortSignal,
): Promise<void> {
  let hadOne = false;
  while (!stop.aborted) {
    try {
      await session(client, path, stop, (one) => {
        hadOne = true;
        push(one);
      });
      await pause(SOON, stop);
    } catch (error) {
      if (stop.aborted) return;
      if (!hadOne || !PASSING.some((code) => isFinitError(error, code))) throw error;
      await pause(AGAIN, stop);
    }
  }
}

/** From a connection to its loss. */
async function session(
  client: BusClient,
  path: string,
  stop: AbortSignal,
  push: (signal: BusSignal) => void,
): Promise<void> {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stopped = new Promise<void>((resolve) =>
    stop.addEventListener('abort', () => resolve(), { once: true }),
  );
  const leave = client.listen({
    signal: ({ interface: name, member, body }) => {
      const one = toBusSignal(name, member, body);
      if (one !== undefined) push(one);
    },
    lost: () => end(),
  });
  try {
    await Promise.race([client.addRules(() => MATCH_RULES.map((rule) => addMatch(path, rule))), stopped]);
    if (stop.aborted) return;
    push({ type: 'resync' });
    await Promise.race([ended, stopped]);
  } finally {
    leave();
  }
}

function addMatch(path: string, rule: string): Request {
  const deadline = new Deadline();
  return {
    ...{ path, deadline, timeout: deadline.timeout, what: 'subscribe to signals' },
    // Not asked again by itself: on another connection all rules are wanted.
    reads: false,
    call: {
      ...{ path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', member: 'AddMatch' },
      ...{ signature: 's', body: [rule] },
    },
  };
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => {});
}
