import { spawnSync } from 'node:child_process';
import test from 'ava';

const projectNotify = import.meta.resolve('#src/notify/index.js');

/**
 * What a script says that was started as an activating supervisor would: python makes the descriptors, and LISTEN_PID after its fork.
 */
function activated(script: string, env: Record<string, string>): string {
  const python = `
import os, socket, sys
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX); unix.bind("\\0node-finit-listen-%d" % os.getpid()); unix.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))
dgram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
packets = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client = socket.create_connection(tcp.getsockname())
pipe, _ = os.pipe()
file = os.open("/etc/passwd", os.O_RDONLY)
null = os.open("/dev/null", os.O_RDONLY)
ours = [tcp.fileno(), unix.fileno(), udp.fileno(), dgram.fileno(), packets.fileno(), client.fileno(), pipe, file, null]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(ours)]
for i, fd in enumerate(high): os.dup2(fd, 3 + i, inheritable=True)
for fd in range(3 + len(high), 40):
    try: os.close(fd)
    except OSError: pass
if os.environ.get("LISTEN_PID") == "self": os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[1], sys.argv[1:])`;
  const main = `
    import { listenFds } from ${JSON.stringify(projectNotify)};
    const say = (...what) => console.log(...what.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))));
    const attempt = (call) => { try { return call(); } catch (error) { return error.code + ' ' + error.message; } };
    ${script}`;
  const argv = ['-c', python, process.execPath, '--input-type=module', '-e', main];
  const { stdout, stderr } = spawnSync('python3', argv, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return stdout.trim() || stderr;
}

const all = { LISTEN_PID: 'self', LISTEN_FDS: '9' };

test('descriptors come with their kinds and names', (t) => {
  const names = 'http:admin:dns:a:b:c:d::f';
  const said = activated('for (const { fd, name, kind } of listenFds()) say(String(fd), name, kind);', {
    ...all,
    LISTEN_FDNAMES: names,
  });
  t.deepEqual(said.split('\n'), [
    '3 http tcp',
    '4 admin unix',
    '5 dns udp',
    '6 a unix-datagram',
    '7 b unix-seqpacket',
    '8 c stream',
    '9 d pipe',
    '10  file',
    '11 f other',
  ]);
});

test('without names they are unknown, as with libsystemd', (t) => {
  t.is(
    activated('say(listenFds().map(({ name }) => name));', { ...all, LISTEN_FDS: '2' }),
    '["unknown","unknown"]',
  );
});

test('a server listens on one, and serves', (t) => {
  const script = `
    import { createServer, connect } from 'node:net';
    const [tcp] = listenFds();
    const server = createServer((socket) => socket.end('hello')).listen({ fd: tcp.fd }, () => {
      // The first connection waits in the backlog since before we were started.
      connect(server.address().port, '127.0.0.1').on('data', (data) => {
        say(String(data));
        process.exit();
      });
    });`;
  t.is(activated(script, all), 'hello');
});

test('programs that are started do not get them, and with unset do not hear of them', (t) => {
  const script = `
    import { spawnSync } from 'node:child_process';
    const child = () => spawnSync('sh', ['-c', 'test -e /proc/self/fd/4; echo $?; env | grep -c LISTEN_']).stdout.toString().trim().replace('\\n', ' ');
    say(child());
    say(String(listenFds({ unset: true }).length), child());
    say(listenFds());`;
  t.is(activated(script, { ...all, LISTEN_FDNAMES: 'a:b:c:d:e:f:g:h:i' }), '1 3\n9 1 0\n[]');
});

test('without variables, or with those of another process, there are none', (t) => {
  t.is(activated('say(listenFds());', {}), '[]');
  t.is(activated('say(listenFds());', { ...all, LISTEN_PID: '1' }), '[]');
  // What the others are told does not matter.
  t.is(activated('say(attempt(listenFds));', { LISTEN_PID: '1', LISTEN_FDS: '0' }), '[]');
  t.is(activated('say(listenFds());', { LISTEN_PID: 'self' }), '[]');
  t.is(activated('say(listenFds());', { LISTEN_FDS: '1' }), '[]');
});

test('variables that make no sense are refused', (t) => {
  const code = (env: Record<string, string>) =>
    activated('say(attempt(listenFds));', { ...all, ...env }).split(' ')[0];
  for (const env of [
    { LISTEN_FDS: '0' },
    { LISTEN_FDS: '-1' },
    { LISTEN_FDS: '' },
    { LISTEN_FDS: '2x' },
    { LISTEN_FDS: '18446744073709551617' },
    { LISTEN_FDS: '2147483647' },
    { LISTEN_PID: 'x' },
    { LISTEN_PID: '0' },
    { LISTEN_FDNAMES: 'only' },
    { LISTEN_FDNAMES: '' },
  ])
    t.is(code(env as unknown as Record<string, string>), 'FINIT_INVALID_ARGUMENT', JSON.stringify(env));
});

test('a descriptor that is not there is said, with its number', (t) => {
  // Node's own come right behind those that it inherits, so one is closed.
  const script = `
    import { closeSync } from 'node:fs';
    closeSync(9);
    say(attempt(listenFds));`;
  t.regex(activated(script, all), /^FINIT_INVALID_ARGUMENT .*descriptor 9.*EBADF/);
});
