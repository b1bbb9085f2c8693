import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { projectRoot } from './project.js';

/** A datagram socket that somebody else (python3) reads, as a supervisor would; ended with the test. */
export async function receiveDatagrams(
  t: ExecutionContext,
  address: string,
): Promise<{ next(): Promise<string> }> {
  // Python, because Node has no datagram sockets; node-gyp needs it anyway.
  const receiver = spawn('python3', [join(projectRoot, 'test/helpers/receive_datagrams.py'), address], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => receiver.stdin.end());
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the receiver has ended');
    return value;
  };
  if ((await line()) !== 'bound') throw new Error('the receiver did not bind');
  return { next: async () => Buffer.from(await line(), 'hex').toString('latin1') };
}
