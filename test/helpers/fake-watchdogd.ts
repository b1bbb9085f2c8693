/** A fake of watchdogd's supervisor, written from what is known of watchdogd 3.1 – 4.1: src/api.c and src/supervisor.c. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { decodeWatchdogd, encodeWatchdogd, type WatchdogdRecord } from '#src/protocol/watchdogd.js';

const ERRNO = { EINVAL: 22, EIDRM: 43, EBADE: 52, EBADRQC: 56, EBADMSG: 74 } as const;

export interface FakeWatchdogd {
  path: string;
  /** All requests that came, in order. */
  requests: WatchdogdRecord[];
  /** What the real one would have died or reset the machine of. */
  deaths: string[];
  clients: Map<number, { pid: number; timeout: number; ack: number; label: string; due: number }>;
  /** Instead of the next answers: bytes, `lost` (the connection is closed), `silent`, or a wait in milliseconds before it. */
  next: (Uint8Array | 'lost' | 'silent' | number)[];
  /** It is started anew: all subscriptions are forgotten. */
  restart(): void;
}

/** Ended with the test. */
export async function startFakeWatchdogd(t: ExecutionContext): Promise<FakeWatchdogd> {
  const dir = mkdtempSync(join(tmpdir(), 'fake-watchdogd-'));
  const sockets = new Set<Socket>();
  let busy = false;
  const fake: FakeWatchdogd = {
    path: join(dir, 'sock'),
    requests: [],
    deaths: [],
    clients: new Map(),
    next: [],
    restart: () => fake.clients.clear(),
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let answered = false;
    if (busy) fake.deaths.push('two requests at once');
    busy = true;
    socket.on('data', (bytes) => {
      const request = decodeWatchdogd(bytes);
      fake.requests.push(request);
      const how = fake.next.shift();
      const done = () => {
        answered = true;
        busy = false;
      };
      if (how === 'silent') {
        busy = false;
        return;
      }
      // It steps before it answers.
      const answer = serve(fake, request);
      setTimeout(
        () => {
          done();
          if (how === 'lost') socket.destroy();
          else socket.end(how instanceof Uint8Array ? how : encodeWatchdogd(answer));
        },
        typeof how === 'number' ? how : 0,
      );
    });
    // Our end may be written to then: SIGPIPE.
    socket.on('end', () => {
      if (!answered) fake.deaths.push('a client left before its answer');
    });
    socket.on('error', (error) => fake.deaths.push(String(error)));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(fake.path, resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
    rmSync(dir, { recursive: true, force: true });
  });
  return fake;
}

function serve(fake: FakeWatchdogd, request: WatchdogdRecord): Partial<WatchdogdRecord> {
  const { command, id, pid, timeout, ack, label } = request;
  const refuse = (error: keyof typeof ERRNO) => ({ ...request, command: -1, error: ERRNO[error] });
  const slack = 500;
  if (command === 1) {
    if (timeout < 1000) return refuse('EINVAL');
    const free = [1, 2, 3, 4].find((number) => !fake.clients.has(number)) ?? 5;
    fake.clients.set(free, { pid, timeout, ack: 42, label, due: performance.now() + timeout + slack });
    return { ...request, id: free, nextAck: 42 };
  }
  if (command !== 2 && command !== 3) return refuse('EBADMSG');
  const client = fake.clients.get(id);
  if (client === undefined) return refuse('EIDRM');
  if (client.pid !== pid) return refuse('EBADE');
  if (client.ack !== ack) {
    fake.deaths.push(`reset: ${command === 3 ? 'failed kick' : 'failed unsubscription'}`);
    return refuse('EBADRQC');
  }
  if (command === 2) fake.clients.delete(id);
  client.ack += 2;
  client.due = performance.now() + (timeout > 0 ? timeout + slack : client.timeout);
  return { ...request, nextAck: client.ack };
}
