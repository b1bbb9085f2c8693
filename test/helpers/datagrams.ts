import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { projectRoot } from './project.js';

/** A message: its bytes, each as a character, and the files of the descriptors that came with it as device:inode. */
export interface Received {
  text: string;
  files: string[];
}

/**
 * A datagram socket that somebody else (python3) reads, as a supervisor would; ended with the test.
 * @param how - `keep`: descriptors that come are never closed. `mute`: nothing is read until `listen()` is called. `late`: it is not
 *   even bound.
 */
export async function receiveDatagrams(
  t: ExecutionContext,
  address: string,
  ...how: ('keep' | 'mute' | 'late')[]
): Promise<{ next(): Promise<string>; nextWithFiles(): Promise<Received>; listen(): void }> {
  // Python, because Node has no datagram sockets; node-gyp needs it anyway.
  const script = join(projectRoot, 'test/helpers/receive_datagrams.py');
  const receiver = spawn('python3', [script, address, ...how], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => receiver.stdin.end());
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the receiver has ended');
    return value;
  };
  if ((await line()) !== 'bound') throw new Error('the receiver did not bind');
  const nextWithFiles = async () => {
    const [bytes = '', ...files] = (await line()).split(' ');
    return { text: Buffer.from(bytes === '-' ? '' : bytes, 'hex').toString('latin1'), files };
  };
  return {
    next: async () => (await nextWithFiles()).text,
    nextWithFiles,
    listen: () => void receiver.stdin.write('\n'),
  };
}
