// finit-shim: the service's process, its signals, its end, and what it leaves behind.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import test from 'ava';
import { shimPath } from '#src/shim/index.js';
import { program } from '../helpers/project.js';
import { eventually } from '../helpers/real-finit.js';
import { nodeService, startShim } from '../helpers/shim.js';

const run = promisify(execFile);

test('every exit code comes through', async (t) => {
  // One shell asks for all of them.
  const script = `i=0; while [ $i -le 255 ]; do "$0" --status-dir /proc/nonexistent -- /bin/sh -c "exit $i" 2>/dev/null; [ $? = $i ] || echo "$i: $?"; i=$((i+1)); done; echo done`;
  const { stdout } = await run('/bin/sh', ['-c', script, shimPath()]);
  t.is(stdout, 'done\n');
});

const ENDING = Object.entries(constants.signals).filter(
  ([name]) =>
    !['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'].includes(name),
) as [NodeJS.Signals, number][];

test('every signal that ends the service ends the shim too, and is in the status', async (t) => {
  for (const [name, number] of ENDING) {
    const shim = startShim(t, [], ['/bin/sh', '-c', `ulimit -c 0; kill -${number} $$; sleep 10`]);
    const { signal } = await shim.ended;
    t.is(constants.signals[signal as NodeJS.Signals], number, name);
    t.is(
      constants.signals[(shim.status()?.exit as { signal?: NodeJS.Signals } | undefined)?.signal ?? 'SIGHUP'],
      number,
      JSON.stringify(shim.status()),
    );
  }
});

test('signals are passed on, those that ask for the end with its status as the answer', async (t) => {
  const shim = startShim(
    t,
    [],
    nodeService(`
for (const name of ['SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGALRM', 'SIGPIPE', 'SIGURG', 'SIGIO'])
  process.on(name, () => say('got ' + name));
process.on('SIGTERM', () => process.exit(42));
setInterval(() => {}, 1e6);
notify.ready();`),
  );
  await shim.until(({ ready }) => ready);
  for (const name of ['SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGALRM', 'SIGPIPE', 'SIGURG', 'SIGIO'] as const) {
    shim.process.kill(name);
    await eventually(async () => shim.output().includes(`got ${name}`));
  }
  shim.process.kill('SIGTERM');
  t.deepEqual(await shim.ended, { code: 42, signal: null });
  t.like(shim.status(), { state: 'exited', main: null, exit: { code: 42 } });
});

test('a command that is not there is 127, one that cannot be run 126, wrong usage 64', async (t) => {
  t.is((await startShim(t, [], ['/nonexistent/command']).ended).code, 127);
  t.is((await startShim(t, [], ['/etc/passwd']).ended).code, 126);
  for (const [options, message] of [
    [['--bogus'], /--bogus: there is no such option/],
    [['--watchdog', '0'], /a time is wanted/],
    [['--watchdog', '-1'], /a time is wanted/],
    [['--watchdog', '18446744073709551616'], /a time is wanted/],
    [['--watchdog', '1w'], /a time is wanted/],
    [['--watchdog-signal', 'NO'], /no such signal/],
    [['--stop-signal', 'HUP'], /another meaning/],
    [['--access', 'some'], /main, exec or all/],
    [['--listen', 'web'], /tcp:, udp:, unix:/],
    [['--listen', 'tcp:localhost:80'], /names are not looked up/],
    [['--listen', 'tcp:127.0.0.1:65536'], /a port from 0 to 65535/],
    [['--listen', 'unix:relative'], /an absolute path/],
    [['--listen', `unix:/${'x'.repeat(108)}`], /longer than a socket/],
    [['--ready', 'listening'], /nothing to listen on/],
    [['--rlimit', 'nofile=5:4'], /above the hard one/],
    [['--rlimit', 'nonsense=5'], /no such limit/],
    [['--user', 'nobody-of-that-name'], /there is no user/],
    [['--user', 'root:no-such-group'], /there is no group/],
    [['--umask', '9'], /an octal mode/],
    [['--nice', '20'], /from -20 to 19/],
    [['--oom-score-adj', '1001'], /from -1000 to 1000/],
    [['--notify', 'fd:777'], /no descriptor 777/],
    [['--notify', 'telepathy'], /auto, none, fd:N or s6:N/],
    [['--kill-tree=yes'], /takes no value/],
  ] as const) {
    const shim = startShim(t, [...options], ['/bin/true']);
    t.is((await shim.ended).code, 64, options.join(' '));
    t.regex(shim.output(), message);
  }
});

test('the service ends with a shim that is killed', async (t) => {
  const shim = startShim(t, [], ['/bin/sleep', '1000']);
  const { main } = await shim.until((status) => status.main !== null);
  await eventually(async () => readFileSync(`/proc/${main?.pid}/comm`, 'latin1') === 'sleep\n');
  shim.process.kill('SIGKILL');
  await shim.ended;
  await eventually(async () => !existsSync(`/proc/${main?.pid}`));
  t.pass();
});

test('orphans come to the shim, and are reaped', async (t) => {
  const shim = startShim(t, [], ['/bin/sh', '-c', '(sleep 0.2 & echo orphan $!; ) ; sleep 1000']);
  await eventually(async () => /orphan [0-9]+\n/.test(shim.output()));
  const orphan = Number(/orphan ([0-9]+)/.exec(shim.output())?.[1]);
  await eventually(async () => !existsSync(`/proc/${orphan}`));
  t.is(shim.status()?.state, 'starting');
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGTERM');
});

test('what a service leaves behind stays, and ends with --kill-tree, also if it does not want to', async (t) => {
  const command = [
    '/bin/sh',
    '-c',
    '(trap "" TERM; sleep 1000; sleep 1000) & sleep 1000 & echo left $!; sleep 0.2; exit 3',
  ];
  const left = (text: string) => Number(/left ([0-9]+)/.exec(text)?.[1]);

  const lenient = startShim(t, [], command);
  // The pipe to us is held by what stays: not 'close' but 'exit'.
  await new Promise((resolve) => lenient.process.once('exit', resolve));
  t.is(lenient.process.exitCode, 3);
  await eventually(() => /left [0-9]+\n/.test(lenient.output()));
  t.true(existsSync(`/proc/${left(lenient.output())}`));
  await run('/bin/sh', ['-c', `kill ${left(lenient.output())}`]);

  const strict = startShim(t, ['--kill-tree', '--stop-timeout', '300ms'], command);
  t.is((await strict.ended).code, 3);
  t.false(existsSync(`/proc/${left(strict.output())}`));
  t.regex(strict.output(), /what it left behind does not end, SIGKILL follows/);
});

test('a service that does not end is killed after --stop-timeout', async (t) => {
  const shim = startShim(
    t,
    ['--stop-timeout', '300ms'],
    ['/bin/sh', '-c', 'trap "" TERM; echo deaf; while :; do sleep 0.05; done'],
  );
  await eventually(async () => shim.output().includes('deaf'));
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGKILL');
});

test('--stop-signal asks for the end too: a service that is kept alive is not restarted by it', async (t) => {
  const options = ['--keep-alive', '--stop-signal', 'USR1'];
  const shim = startShim(
    t,
    options,
    nodeService(`process.on('SIGUSR1', () => process.exit(5)); notify.ready(); setInterval(() => {}, 1e6);`),
  );
  await shim.until(({ ready }) => ready);
  shim.process.kill('SIGUSR1');
  t.deepEqual(await shim.ended, { code: 5, signal: null });
  t.is(shim.status()?.restarts, 0);
});

test('what the shim’s own supervisor has for it does not get to those whom it starts', async (t) => {
  const shim = startShim(
    t,
    [
      '--reload-command',
      'echo "reload: $WATCHDOG_USEC $WATCHDOG_PID $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES:"',
    ],
    nodeService(`
say('service: ' + ['WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'].map((name) => process.env[name] ?? '').join(' ') + ':');
notify.ready();
setInterval(() => {}, 1e6);`),
    {
      env: {
        WATCHDOG_USEC: '1',
        WATCHDOG_PID: '2',
        LISTEN_FDS: '3',
        LISTEN_PID: '4',
        LISTEN_FDNAMES: 'five',
      },
    },
  );
  await shim.until(({ ready }) => ready);
  shim.process.kill('SIGHUP');
  await eventually(() => shim.output().includes('reload:     :'));
  t.true(shim.output().includes('service:     :'));
});

test('the hardening options are the service’s, not the shim’s', async (t) => {
  const shim = startShim(
    t,
    [
      '--umask',
      '027',
      '--rlimit',
      'nofile=100:200',
      '--nice',
      '5',
      '--oom-score-adj',
      '300',
      '--no-new-privs',
      '--user',
      'nobody',
    ],
    [
      '/bin/sh',
      '-c',
      'umask; ulimit -n; ulimit -Hn; nice; cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status; id -un; echo $HOME; sleep 1000',
    ],
  );
  await eventually(async () => shim.output().split('\n').length > 8);
  t.deepEqual(shim.output().trim().split('\n'), [
    '0027',
    '100',
    '200',
    '5',
    '300',
    'NoNewPrivs:\t1',
    'nobody',
    '/nonexistent',
  ]);
  const own = readFileSync(`/proc/${shim.process.pid}/status`, 'utf8');
  t.regex(own, /^Uid:\t0/m);
  t.regex(own, /^NoNewPrivs:\t0/m);
  shim.process.kill('SIGTERM');
  t.is((await shim.ended).signal, 'SIGTERM');
});

test('node-finit shim becomes the shim', async (t) => {
  const shim = startShim(t, [], ['/bin/sh', '-c', 'echo $PPID; exit 9'], {});
  await shim.ended;
  const { stdout } = await run(program, ['shim', '--path']);
  t.is(stdout.trim(), shimPath());
  const child = execFile(program, ['shim', '--notify', 'none', '--', '/bin/sh', '-c', 'echo $PPID; exit 9']);
  let printed = '';
  child.stdout?.on('data', (text: string) => {
    printed += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.is(code, 9);
  t.is(printed.trim(), String(child.pid));
});
