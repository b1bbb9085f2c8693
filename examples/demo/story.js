// How the demo tells what happens: a line for each thing seen, a tick for each step that was reached in time.
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const began = performance.now();

function line(mark, who, text) {
  const seconds = ((performance.now() - began) / 1000).toFixed(2).padStart(6);
  process.stdout.write(`${mark} ${paint(2, `${seconds} s`)}  ${who} ${text}\n`);
}

/** Something that was seen: by whom, and what. */
export const tell = (who, text) => line(' ', paint(36, who.padEnd(8)), text);

export class StepFailed extends Error {}

/**
 * One step of the story. `reach` gets an AbortSignal, and returns what to say when the step has been reached.
 * @throws {StepFailed} when that took longer than `seconds`, or failed
 */
export async function step(goal, seconds, reach) {
  const deadline = new AbortController();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen within ${seconds} s`)), seconds * 1000);
  });
  try {
    const said = await Promise.race([reach(deadline.signal), late]);
    line(paint(32, '✓'), paint(32, 'step    '), paint(1, goal) + (said ? ` — ${said}` : ''));
  } catch (error) {
    line(paint(31, '✗'), paint(31, 'step    '), `${paint(1, goal)} — ${error.message}`);
    throw new StepFailed(goal, { cause: error });
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

/** Fails a step with a reason. */
export function check(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}
