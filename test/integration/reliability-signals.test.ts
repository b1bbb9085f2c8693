// A process of ours that is stopped or killed at any moment must not hold PID 1.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { get } from '#src/services/index.js';
import { eventually, startFinit, suites } from '../helpers/real-finit.js';

const VICTIM = fileURLToPath(new URL('../helpers/victim.js', import.meta.url));
/** Signals in all, half of them SIGSTOP and half of them SIGKILL. */
const TIMES = Number(process.env.NODE_FINIT_SIGNALS ?? 500);
const NAME = 'busy';
const config = `service name:${NAME} notify:none /bin/sleep 1000 -- Asked for\n`;
/** What finit does not answer within this, it is held in, in milliseconds. */
const HELD = 1000;
/** System calls within the window, on x86_64; what a process is in when it is stopped is the one it comes back from. */
const WINDOW: Record<string, string> = {
  42: 'connect',
  44: 'send',
  48: 'shutdown',
  '-1': 'between two of them',
};

async function startVictim(runDir: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [VICTIM, runDir, NAME], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

const isStopped = (pid: number) => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** The system calls, by number, that the threads of a stopped process come back from. */
const systemCalls = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).map(
    (thread) => readFileSync(`/proc/${pid}/task/${thread}/syscall`, 'utf8').split(' ')[0] ?? '',
  );

for (const suite of suites) {
  test.serial(
    `PID 1 answers others while a process of ours is stopped, or killed, on ${suite}`,
    async (t) => {
      t.timeout(300_000);
      await using box = await startFinit(suite, { config: { 'busy.conf': config } });
      const { runDir } = box;
      const took: number[] = [];
      const ask = async (timeout: number) => {
        const begin = performance.now();
        const service = await get(NAME, { runDir, timeout });
        took.push(performance.now() - begin);
        t.is(service.identity, NAME);
      };
      await eventually(async () => (await get(NAME, { runDir })).state === 'running');

      const windows: string[] = [];
      const unexplained: string[][] = [];
      const count = Math.ceil(TIMES / suites.length / 2);
      let next = startVictim(runDir);
      for (let i = 0; i < count; i++) {
        const victim = await next;
        next = startVictim(runDir);
        const pid = victim.pid as number;
        victim.stdin?.write('go\n');
        await sleep(Math.random() * 20);

        victim.kill('SIGSTOP');
        await eventually(() => isStopped(pid));
        try {
          await ask(HELD);
        } catch (error) {
          if (!isFinitError(error, 'FINIT_TIMEOUT')) throw error;
          const calls = systemCalls(pid);
          const call = calls.map((number) => WINDOW[number]).find((name) => name !== undefined);
          if (call === undefined && process.arch === 'x64') unexplained.push(calls);
          windows.push(call ?? 'not known');
        }
        victim.kill('SIGCONT');
        await ask(30_000);
        await sleep(Math.random() * 5);

        const ended = once(victim, 'exit');
        victim.kill('SIGKILL');
        await ask(30_000);
        const [, signal] = await ended;
        // It had not ended by itself: no error of ours.
        t.is(signal, 'SIGKILL');
      }
      (await next).kill('SIGKILL');

      t.deepEqual(unexplained, []);
      t.log(
        `${count} stopped and ${count} killed: held while stopped in the window between connect() and shutdown(): ` +
          `${windows.length} (${windows.join(', ')}); answers that took more than 100 ms: ${took.filter((ms) => ms > 100).length} of ${took.length}`,
      );
      t.true(box.running);
    },
  );
}
