// finit-shim: socket activation, restarts in place, stored descriptors.
import { existsSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { receiveDatagrams } from '../helpers/datagrams.js';
import { eventually } from '../helpers/real-finit.js';
import { nodeService, pythonService, startShim, steps } from '../helpers/shim.js';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ask(to: { port: number } | { path: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = 'path' in to ? connect(to.path) : connect(to.port, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (more) => {
      text += more;
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
}

/** Answers with its pid, and counts down what is stored. */
const server = `
import { createServer } from 'node:net';
if (Number(process.env.LISTEN_PID) !== process.pid) throw new Error('LISTEN_PID');
for (let fd = 3; fd < 3 + Number(process.env.LISTEN_FDS); fd++)
  createServer((socket) => socket.end(process.pid + ' ' + process.env.LISTEN_FDNAMES)).listen({ fd });
notify.ready();
`;

test('sockets are bound before the service starts, with names, modes, and the service’s owner', async (t) => {
  const port = await freePort();
  const path = join(tmpdir(), `node-finit-${process.pid}.sock`);
  const shim = startShim(
    t,
    ['--listen', `web=tcp:127.0.0.1:${port},unix:${path}`, '--listen-mode', '0600', '--user', 'nobody'],
    nodeService(server),
  );
  await shim.until(({ ready }) => ready);
  const pid = shim.status()?.main?.pid;
  t.is(await ask({ port }), `${pid} web:web`);
  t.is(await ask({ path }), `${pid} web:web`);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.is(statSync(path).uid, 65534);
  t.deepEqual(shim.status()?.listen, [`tcp:127.0.0.1:${port}`, `unix:${path}`]);
  shim.process.kill('SIGTERM');
  await shim.ended;
  t.false(existsSync(path));
});

test('each socket has the name that came last before it, and = in a path is no name', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const path = join(tmpdir(), `node-finit-a=b-${process.pid}.sock`);
  const shim = startShim(
    t,
    [
      '--listen',
      `tcp:${first},web=tcp:127.0.0.1:${second},unix:${path}`,
      `--listen=admin=unix:@a=b-${process.pid}`,
    ],
    nodeService(server),
  );
  await shim.until(({ ready }) => ready);
  t.is(await ask({ path }), `${shim.status()?.main?.pid} unknown:web:web:admin`);
  for (const wrong of [
    '',
    ',',
    'tcp:80,',
    '=tcp:80',
    'web=',
    'web=,tcp:80',
    'a=b=tcp:80',
    'tcp:80,\u0001=tcp:81',
  ])
    t.is((await startShim(t, [`--listen=${wrong}`], ['/bin/true']).ended).code, 64, wrong);
});

test('a socket file that nobody listens on is taken over, one in use is not', async (t) => {
  const path = join(tmpdir(), `node-finit-stale-${process.pid}.sock`);
  const first = startShim(t, ['--listen', `unix:${path}`], ['/bin/sleep', '1000']);
  await first.until(({ main }) => main !== null);
  const second = startShim(t, ['--listen', `unix:${path}`], ['/bin/sleep', '1000']);
  t.is((await second.ended).code, 70);
  t.regex(second.output(), /Address (already )?in use/);
  first.process.kill('SIGKILL');
  await first.ended;
  t.true(existsSync(path));
  const third = startShim(t, ['--listen', `unix:${path}`], nodeService(server));
  await third.until(({ ready }) => ready);
  t.is(await ask({ path }), `${third.status()?.main?.pid} unknown`);
});

test('what was bound before a socket that cannot be is not left behind', async (t) => {
  const path = join(tmpdir(), `node-finit-left-${process.pid}.sock`);
  for (const [spec, code] of [
    ['tcp:127.0.0.1:000080', 64],
    ['unix:/proc/none', 70],
  ] as const) {
    const shim = startShim(t, ['--listen', `unix:${path},${spec}`], ['/bin/true']);
    t.is((await shim.ended).code, code, spec);
    t.false(existsSync(path), spec);
  }
});

test('a status of nothing but what JSON escapes is written, with as many listeners as there can be', async (t) => {
  const names = Array.from({ length: 32 }, (_, i) => `unix:@${'\u0001'.repeat(90)}${process.pid}-${i}`);
  const shim = startShim(
    t,
    ['--listen', names.join(',')],
    nodeService(`notify.status('\\x01'.repeat(1024)); notify.ready(); setInterval(() => {}, 1e6);`),
  );
  await eventually(async () => shim.status()?.ready === true);
  t.is(shim.status()?.status, '\u0001'.repeat(1024));
  t.deepEqual(shim.status()?.listen, names);
});

test('--ready listening tells finit before the service has started, and clients wait in the backlog', async (t) => {
  const address = `@node-finit-test/${process.pid}/listening`;
  const receiver = await receiveDatagrams(t, address);
  const port = await freePort();
  const { go, next } = steps(t);
  const shim = startShim(
    t,
    ['--listen', `tcp:127.0.0.1:${port}`, '--ready', 'listening'],
    nodeService(`await until('listen'); ${server}`),
    { socket: address, env: { GO: go } },
  );
  t.is(await receiver.next(), 'READY=1\n');
  const { main } = await shim.until(({ state, ready }) => state === 'starting' && !ready);
  const answer = ask({ port });
  next('listen');
  t.is(await answer, `${main?.pid} unknown`);
});

test('--keep-alive: the service is restarted with its sockets and what it has stored, nobody is refused', async (t) => {
  t.timeout(120_000);
  const port = await freePort();
  const shim = startShim(
    t,
    ['--keep-alive', '--listen', `web=tcp:127.0.0.1:${port}`],
    nodeService(`
import { createServer } from 'node:net';
import { openSync } from 'node:fs';
const count = Number(process.env.LISTEN_FDS);
if (count === 1) notify.send({ fdName: 'kept', fds: [openSync('/etc/passwd')] });
createServer((socket) => socket.end(process.pid + ' ' + process.env.LISTEN_FDNAMES)).listen({ fd: 3 });
notify.ready();`),
  );
  let { main, restarts } = await shim.until(({ ready, fdstore }) => ready && fdstore === 1);
  let running = true;
  let answers = 0;
  const refused: unknown[] = [];
  const client = async () => {
    while (running) {
      await ask({ port }).then(
        (text) => {
          // A process that is killed in mid-answer resets; a listening socket that is not there refuses.
          if (text) answers++;
        },
        (error: { code: string }) => {
          if (error.code !== 'ECONNRESET') refused.push(error.code);
        },
      );
    }
  };
  const clients = [client(), client()];
  for (let round = 1; round <= 5; round++) {
    process.kill(main?.pid ?? 0, 'SIGKILL');
    ({ main, restarts } = await shim.until((status) => status.ready && status.restarts === round));
    const before = answers;
    await eventually(() => answers > before);
  }
  running = false;
  await Promise.all(clients);
  t.deepEqual(refused, []);
  t.is(restarts, 5);
  t.is(await ask({ port }), `${main?.pid} web:kept`);
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGTERM');
});

test('--keep-alive gives up on who never gets ready, with its status', async (t) => {
  t.timeout(120_000);
  const shim = startShim(t, ['--keep-alive'], ['/bin/sh', '-c', 'exit 4']);
  t.deepEqual(await shim.ended, { code: 4, signal: null });
  t.regex(shim.output(), /10 processes in a row ended before they were ready: given up/);
});

test('--reload-restart: SIGHUP restarts it in place', async (t) => {
  const port = await freePort();
  const shim = startShim(t, ['--reload-restart', '--listen', `tcp:127.0.0.1:${port}`], nodeService(server));
  const before = await shim.until(({ ready }) => ready);
  shim.process.kill('SIGHUP');
  const after = await shim.until(({ ready, restarts }) => ready && restarts === 1);
  t.not(after.main?.pid, before.main?.pid);
  t.is(await ask({ port }), `${after.main?.pid} unknown`);
});

test('stored descriptors: the same once, gone when their other end is, removed by name', async (t) => {
  const { go, next } = steps(t);
  const shim = startShim(
    t,
    ['--keep-alive'],
    pythonService(`
a, b = socket.socketpair()
c, d = socket.socketpair()
f = os.open('/etc/passwd', os.O_RDONLY)
fds(b'FDSTORE=1\\nFDNAME=pair', a.fileno())
fds(b'FDSTORE=1\\nFDNAME=pair', a.fileno())
fds(b'FDSTORE=1\\nFDNAME=file', f)
fds(b'FDSTORE=1\\nFDNAME=kept\\nFDPOLL=0', c.fileno())
s.send(b'STATUS=three')
def until(step):
  while not os.path.exists(os.environ['GO'] + '/' + step): time.sleep(0.02)
until('two')
b.close(); d.close()
s.send(b'STATUS=two')
until('one')
s.send(b'FDSTOREREMOVE=1\\nFDNAME=file\\nSTATUS=one')
time.sleep(1000)`),
    { env: { GO: go } },
  );
  t.is((await shim.until(({ status }) => status === 'three')).fdstore, 3);
  next('two');
  await shim.until(({ status, fdstore }) => status === 'two' && fdstore === 2);
  next('one');
  await shim.until(({ status, fdstore }) => status === 'one' && fdstore === 1);
  t.pass();
});
