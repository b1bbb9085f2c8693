/** Calls a finit that does not answer, as a process or a worker: stuck-caller.js RUN-DIR exit|stay. */
import { parentPort } from 'node:worker_threads';
import { connect } from '#src/transport/index.js';

const [runDir = '', then] = process.argv.slice(2);
const transport = connect({ runDir });
const calls = [
  ...Array.from({ length: 6 }, () => transport.findService('web')),
  transport.listServices(),
  transport.unknownServices(['a', 'b', 'c']),
];
for (const call of calls) call.catch(() => {});
// By now some are with the addon's own thread.
setTimeout(() => {
  if (then === 'exit') process.exit(7);
  parentPort?.postMessage('under way');
}, 20);
