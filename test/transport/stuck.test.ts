// A finit that stands still costs its callers their timeouts, and nothing else.
import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { Command, decodeMessage } from '#src/protocol/control.js';
import { connect } from '#src/transport/index.js';
import { type FakeFinit, startFakeFinit } from '../helpers/fake-finit.js';
import { eventually } from '../helpers/real-finit.js';

const CALLER = fileURLToPath(new URL('../helpers/stuck-caller.js', import.meta.url));
/** Bursts at once, and connections of each (src/transport/burst.ts). */
const MOST_CONNECTIONS = 4 * 8;

/** This process's open sockets. */
function sockets(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** Those that have been opened since, by the caller. */
const opened = (before: readonly string[]) => sockets().filter((socket) => !before.includes(socket));

const settled = (calls: Promise<unknown>[]) =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => 'fulfilled',
        (error) => error.code as string,
      ),
    ),
  );

const count = (codes: string[], code: string) => codes.filter((one) => one === code).length;

test.serial(
  'of 1,200 calls of a finit that is stuck few have connections, and those too many are FINIT_BUSY',
  async (t) => {
    await using finit = await startFakeFinit([{ silent: true }]);
    const transport = connect({ runDir: finit.runDir });
    const before = sockets();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const wait = { signal: controller.signal, timeout: 60_000 };
    const calls = Array.from({ length: 1200 }, (_, i) => transport.findService(`s${i}`, wait));
    const codes = settled(calls);
    t.true(opened(before).length <= MOST_CONNECTIONS);
    // The thread pool is free, and the event loop turns.
    const files = await Promise.all(Array.from({ length: 16 }, () => readFile('/proc/self/stat', 'utf8')));
    t.true(files.every((file) => file.startsWith(`${process.pid} `)));
    await sleep(50);
    t.true(opened(before).length <= MOST_CONNECTIONS);
    delay.disable();
    t.log(`longest pause of the event loop: ${(delay.max / 1e6).toFixed(1)} ms`);
    controller.abort();
    const all = await codes;
    t.is(count(all, 'FINIT_BUSY') + count(all, 'FINIT_ABORTED'), 1200);
    t.true(count(all, 'FINIT_BUSY') >= 100);
    await eventually(() => opened(before).length === 0);
    await allClosed(t.deepEqual.bind(t), finit, transport);
  },
);

test.serial('lists and calls that time out close their connections', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }]);
  const transport = connect({ runDir: finit.runDir });
  const before = sockets();
  const calls = [
    ...Array.from({ length: 10 }, () => transport.listServices({ timeout: 100 })),
    ...Array.from({ length: 10 }, () => transport.findService('web', { timeout: 100 })),
    transport.unknownServices(['a', 'b', 'c'], { timeout: 100 }),
  ];
  t.true(opened(before).length <= MOST_CONNECTIONS);
  t.deepEqual(new Set(await settled(calls)), new Set(['FINIT_TIMEOUT']));
  t.deepEqual(opened(before), []);
  await allClosed(t.deepEqual.bind(t), finit, transport);
});

test.serial('process.exit() in the middle of calls leaves finit no connection', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }]);
  const child = spawn(process.execPath, [CALLER, finit.runDir, 'exit'], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  t.is(code, 7);
  await allClosed(t.deepEqual.bind(t), finit, connect({ runDir: finit.runDir }));
});

test.serial('a worker that is terminated in the middle of calls leaves finit no connection', async (t) => {
  await using finit = await startFakeFinit([{ silent: true }]);
  const before = sockets();
  const worker = new Worker(CALLER, { argv: [finit.runDir, 'stay'] });
  await once(worker, 'message');
  t.true(opened(before).length > 0);
  await worker.terminate();
  t.deepEqual(opened(before), []);
  await allClosed(t.deepEqual.bind(t), finit, connect({ runDir: finit.runDir }));
});

/**
 * finit sees that each of the connections it has had, and those that were still in its backlog, have been closed, and gets to one that
 * comes after them.
 */
async function allClosed(
  same: (actual: unknown, expected: unknown) => unknown,
  finit: FakeFinit,
  transport: ReturnType<typeof connect>,
): Promise<void> {
  const last = transport.findService('last', { timeout: 300 }).catch((error) => {
    if (!isFinitError(error, 'FINIT_ABORTED') && !isFinitError(error, 'FINIT_TIMEOUT')) throw error;
  });
  const seen: unknown[] = [];
  for (;;) {
    const [connection] = await finit.connections(1);
    const request = connection?.request ?? Buffer.alloc(0);
    seen.push(connection?.closed);
    if (request.length > 0) {
      const { command, data } = decodeMessage(request);
      if (command === Command.findService && data === 'last') break;
    }
  }
  same(seen, Array(seen.length).fill(true));
  await last;
}
