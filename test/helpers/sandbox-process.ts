/** Starts sandbox-caller.ts as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('sandbox-caller.js', import.meta.url));

/** What the process prints. */
export interface CallerSays {
  pid?: number;
  version?: string;
  rootless?: boolean;
  uid?: string;
  code?: string;
  message?: string;
  errno?: string;
  root?: string;
  finit?: string;
}

export interface Caller {
  child: ChildProcess;
  says: CallerSays;
  ended: Promise<unknown>;
}

/** Runs it, behind `prefix` (e.g. setpriv …), and waits for its first words. */
export async function caller(
  options: object,
  then: string,
  { prefix = [], env = {} }: { prefix?: string[]; env?: Record<string, string> } = {},
): Promise<Caller> {
  const [file = '', ...args] = [...prefix, process.execPath, SCRIPT, JSON.stringify(options), then];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const says = await new Promise<CallerSays>((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line) as CallerSays));
    ended.then(() => reject(new Error(`the caller said nothing: ${errors}`)), reject);
  });
  return { child, says, ended };
}
