/**
 * One of many that list, stop and start at once, until its standard input ends: crowd-member.js RUN-DIR OWN-SERVICE EXPECTED-IDENTITIES.
 * Prints one line of JSON: how often, and what was wrong.
 */
import { get, list, start, stop } from '#src/services/index.js';

const [runDir = '', own = '', expected = ''] = process.argv.slice(2);
const options = { runDir, timeout: 60_000 };
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

let lists = 0;
const problems: string[] = [];
async function attempt(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    problems.push(`${what}: ${error}`);
  }
}

do {
  await attempt('list', async () => {
    const found = (await list(options)).map(({ identity }) => identity).join(' ');
    lists++;
    if (found !== expected) problems.push(`listed ${found}`);
  });
  await attempt('stop', () => stop(own, options));
  await attempt('get', () => get(own, options));
  await attempt('start', () => start(own, options));
} while (!ended);
console.log(JSON.stringify({ lists, problems }));
process.exit(0);
