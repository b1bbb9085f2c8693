// A listening socket that finit-shim keeps, on a real finit: its service is killed again and again, and no client is refused.
import test from 'ava';
import { startFinit } from '../helpers/real-finit.js';
import { dependant, nodeBehindShim, serviceIn, stanza } from '../helpers/shim-box.js';

const ROUNDS = 100;

/** Asks all the time, on several connections, and kills who has answered as soon as somebody else has: prints what came of it. */
const client = `
import { connect } from 'node:net';
const ask = () => new Promise((resolve, reject) => {
  let text = '';
  connect(8080, '127.0.0.1').setEncoding('utf8')
    .on('data', (more) => { text += more; })
    .on('error', reject)
    .on('close', () => resolve(text));
});
const seen = new Set();
const errors = {};
const wrong = [];
let answers = 0;
let kills = 0;
async function load() {
  while (seen.size <= ${ROUNDS}) {
    try {
      const text = await ask();
      // One that is killed in the middle of an answer leaves half of it.
      if (text === '') continue;
      answers++;
      const [pid, ...stored] = text.split(' ');
      // The first one has stored it.
      if (seen.size > 0 && !seen.has(pid) && stored.join(' ') !== 'kept something') wrong.push(text);
      if (seen.has(pid)) continue;
      seen.add(pid);
      if (seen.size <= ${ROUNDS}) process.kill(Number(pid), 'SIGKILL'), kills++;
    } catch (error) {
      errors[error.code] = (errors[error.code] ?? 0) + 1;
    }
  }
}
await Promise.all([load(), load(), load(), load()]);
console.log(JSON.stringify({ answers, kills, errors, wrong }));
`;

test(`a socket and what is stored survive ${ROUNDS} restarts under load, and no connection is refused`, async (t) => {
  t.timeout(180_000);
  await using box = await startFinit('forky', {
    config: { 'web.conf': stanza('web') + dependant('web') },
    files: {
      ...nodeBehindShim(
        'web',
        '--keep-alive --listen web=tcp:127.0.0.1:8080',
        `import { openSync, readFileSync } from 'node:fs';
         import { createServer } from 'node:net';
         const [web, kept] = notify.listenFds();
         if (!kept) {
           writeFileSync('/run/stored', 'something');
           notify.storeFds([openSync('/run/stored')], { name: 'kept' });
         }
         const text = [process.pid, kept?.name, kept && readFileSync('/proc/self/fd/' + kept.fd)].join(' ');
         createServer((socket) => socket.end(text)).listen({ fd: web.fd }, () => notify.ready());`,
      ),
      '/srv/client.mjs': client,
    },
  });
  const before = await serviceIn(box, 'web', ({ shim }) => shim?.ready && shim.fdstore === 1);
  const needs = await serviceIn(box, 'needs-web', ({ state }) => state === 'running');
  const { stdout, stderr } = await box.exec(['node', '/srv/client.mjs'], { timeout: 150_000 });
  t.is(stderr, '');
  const { answers, kills, errors, wrong } = JSON.parse(stdout);
  // Who is killed with a connection of its own resets that. Refused is who comes when nobody listens.
  t.deepEqual({ ...errors, ECONNRESET: 0 }, { ECONNRESET: 0 });
  t.deepEqual(wrong, []);
  t.is(kills, ROUNDS);
  t.true(answers > ROUNDS);
  // finit knows nothing of it.
  const after = await serviceIn(box, 'web', ({ shim }) => shim?.ready);
  t.like(after, { pid: before.pid, restarts: 0, shim: { restarts: ROUNDS, fdstore: 1 } });
  t.is((await serviceIn(box, 'needs-web', ({ state }) => state === 'running')).pid, needs.pid);
});
