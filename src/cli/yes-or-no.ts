import { createInterface } from 'node:readline/promises';

/** Asks on the terminal, or whoever is at the other end of stdin. Anything but a yes is a no. */
export async function asksYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question(question), ended]);
  lines.close();
  return /^\s*y/i.test(answer);
}
