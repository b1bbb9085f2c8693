/** Asks finit for this and that without a pause, until it is killed: victim.js RUN-DIR NAME; begins when its standard input does. */
import { once } from 'node:events';
import { get, list, start } from '#src/services/index.js';

const [runDir = '', name = ''] = process.argv.slice(2);
const options = { runDir, timeout: 60_000 };
console.log('ready');
await once(process.stdin, 'data');
for (;;) {
  await get(name, options);
  await list(options);
  await start(name, options);
}
