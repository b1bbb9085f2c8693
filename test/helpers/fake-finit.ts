/**
 * A fake of finit's control socket, for what a real one cannot be made to do: see fake_finit.py. (Node cannot make sockets of
 * this kind, Python can, and node-gyp needs it anyway.)
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What to do with a connection, after its request has been read. */
export type Step =
  | { /** Answer with this packet. */ reply: Uint8Array /** First wait, in milliseconds. */; delay?: number }
  | { /** Close without an answer. */ close: true }
  | { /** Never answer; go on when the client has closed. */ silent: true }
  | { /** Answer as SVC_ITER does, from the list. */ iterate: true }
  | { /** Exit, with the connection open. */ die: true };

export interface Connection {
  /** The request. */
  request: Buffer;
  /** After the answer the client's end had been reached: nobody would have waited for it. */
  end: boolean;
  /** The client closed a connection that got no answer. */
  closed?: boolean;
  error?: string;
}

export interface FakeFinit extends AsyncDisposable {
  runDir: string;
  /** The next connections that end, in order. */
  connections(count: number): Promise<Connection[]>;
  /** When it has ended by itself. */
  exited: Promise<unknown>;
}

/**
 * Starts a fake. Connection number i gets step i; the last step is for all that follow.
 * @param list - service records for `iterate`, the end marker last.
 */
export async function startFakeFinit(steps: Step[], list: Uint8Array[] = []): Promise<FakeFinit> {
  const runDir = mkdtempSync(join(tmpdir(), 'fake-finit-'));
  const script = join(import.meta.dirname, '../../test/helpers/fake_finit.py');
  const child = spawn('python3', [script, join(runDir, 'socket')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const encoded = steps.map((step) => ('reply' in step ? { ...step, reply: base64(step.reply) } : step));
  child.stdin.end(`${JSON.stringify({ steps: encoded, list: list.map(base64) })}\n`);
  const exited = once(child, 'exit');
  // Read whether or not anybody asks, or the fake would wait for us.
  const lines: string[] = [];
  const arrived = new EventEmitter();
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    arrived.emit('line');
  });
  const next = async () => {
    while (lines.length === 0) await once(arrived, 'line');
    return JSON.parse(lines.shift() as string);
  };
  await next();
  return {
    runDir,
    exited,
    async connections(count) {
      const seen: Connection[] = [];
      while (seen.length < count) {
        const { request, ...rest } = await next();
        seen.push({ request: Buffer.from(request, 'hex'), ...rest });
      }
      return seen;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      rmSync(runDir, { recursive: true });
    },
  };
}
