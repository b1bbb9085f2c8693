import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { commands } from '#src/cli/commands.js';
import { parseDuration } from '#src/cli/duration.js';
import { nearest } from '#src/nearest.js';
import { program, projectRoot } from '../helpers/project.js';
import { fakeRunDir } from '../helpers/run-dir.js';

function run(args: string[], env: Record<string, string> = {}, file = program) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(
      process.execPath,
      [file, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

test('help, versions, and what to do about a wrong command line', async (t) => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const { runDir } = fakeRunDir(t);
  for (const args of [['--version'], ['-V'], ['version']])
    t.deepEqual(await run(args, { FINIT_RUN_DIR: runDir }), {
      code: 0,
      stdout: `node-finit ${version}\n`,
      stderr: '',
    });
  const help = await run(['--help']);
  t.is(help.code, 0);
  for (const [name, { alias, hidden }] of Object.entries(commands))
    t.is(new RegExp(`^ {2}${name} `, 'm').test(help.stdout), !alias && !hidden, name);
  for (const args of [['-h'], ['-?'], ['help']]) t.deepEqual(await run(args), help);

  t.deepEqual(await run(['stauts']), {
    code: 3,
    stdout: '',
    stderr: 'node-finit: no command stauts, did you mean status?\nTry node-finit help\n',
  });
  t.like(await run(['xyzzy']), { code: 3, stderr: 'node-finit: no command xyzzy\nTry node-finit help\n' });
  t.like(await run(['cond', 'toggle', 'x']), { code: 3, stdout: '' });
  t.like(await run(['cond', 'set', 'a/b'], { FINIT_RUN_DIR: runDir }), { code: 2, stdout: '' });
  t.deepEqual(await run(['status', '--jsn']), {
    code: 2,
    stdout: '',
    stderr: 'node-finit: no option --jsn, did you mean --json?\nTry node-finit status --help\n',
  });
  for (const args of [
    ['--colour'],
    ['status', '-x'],
    ['status', '--json=yes'],
    ['status', '--no'],
    ['cond', 'get'],
    ['cond', 'set'],
    ['wait'],
    ['wait', 'x', '--timeout', 'soon'],
    ['wait', 'x', '--timeout'],
    ['wait', 'x', '--state', 'maybe'],
    ['watch'],
    ['monitor', 'x'],
    ['start'],
    ['stop'],
    ['restart'],
    ['create'],
    ['runlevel', '12'],
    ['runlevel', '2', '3'],
    ['switch-root'],
    ['reboot', 'now'],
    ['poweroff', '-t', '0'],
    ['completion', 'csh'],
    ['plugin'],
    ['plugin', 'run'],
    ['plugin', 'walk', 'x.ts'],
    ['status', '--run-dir'],
  ]) {
    const { code, stdout, stderr } = await run(args, { FINIT_RUN_DIR: runDir });
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, /^node-finit: .+\nTry node-finit (?:\S+ )?--help\n$/, args.join(' '));
  }
});

test('each command has help, which does nothing else', async (t) => {
  for (const [name, entry] of Object.entries(commands)) {
    const command = await entry.load();
    t.regex(command.help, new RegExp(`^Usage: node-finit ${entry.alias ?? name}\\b`));
    if (entry.hidden) continue;
    const { stdout, ...ended } = await run([name, '--help']);
    t.deepEqual(ended, { code: 0, stderr: '' });
    if (name !== 'shim') t.is(stdout, `${command.help}\n`);
    // With that of the program that it becomes.
    else t.regex(stdout.slice(command.help.length), /^\n\nUsage: finit-shim [\s\S]*--watchdog TIME/);
  }
  const help = await run(['wait', '--help']);
  for (const args of [
    ['wait', '-h'],
    ['help', 'wait'],
    ['wait', 'x', '--help'],
    ['--help', 'wait'],
  ])
    t.deepEqual(await run(args), help);
});

test('node dist/cli/main.js is the same program', async (t) => {
  const main = join(projectRoot, 'dist/cli/main.js');
  for (const args of [['help'], ['xyzzy'], ['help', 'sandbox']])
    t.deepEqual(await run(args, {}, main), await run(args));
});

test('--run-dir counts before and after the command, and before FINIT_RUN_DIR', async (t) => {
  const { runDir, assertOnce } = fakeRunDir(t);
  assertOnce('usr/a');
  const env = { FINIT_RUN_DIR: '/nowhere' };
  for (const args of [
    ['--run-dir', runDir, 'cond', 'get', '-v', 'a'],
    [`--run-dir=${runDir}`, 'cond', 'get', '-v', 'a'],
    ['cond', '--run-dir', runDir, 'get', '-v', 'a'],
    ['cond', 'get', '-v', 'a', '--run-dir', runDir],
  ])
    t.deepEqual(await run(args, env), { code: 0, stdout: 'on\n', stderr: '' });
  t.is((await run(['cond', 'get', '-v', 'a'], { FINIT_RUN_DIR: runDir })).code, 0);
  const nowhere = await run(['cond', 'get', '-v', 'a'], env);
  t.is(nowhere.code, 1);
  t.regex(nowhere.stderr, /^node-finit: .*\/nowhere/);
});

test('cond get tells on, off and flux by its exit code, and with -v in words', async (t) => {
  const { runDir, assert, setGeneration } = fakeRunDir(t);
  assert('service/web/ready');
  const get = () => run(['--run-dir', runDir, 'cond', '-v', 'get', 'service/web/ready']);
  t.deepEqual(await get(), { code: 0, stdout: 'on\n', stderr: '' });
  setGeneration(2);
  t.deepEqual(await get(), { code: 255, stdout: 'flux\n', stderr: '' });
  t.like(await run(['--run-dir', runDir, 'cond', 'get', 'service/db/ready']), { code: 1, stdout: '' });
});

test('wait ends with 124 when the time is over', async (t) => {
  const { runDir } = fakeRunDir(t);
  const { code, stderr } = await run(['--run-dir', runDir, 'wait', 'never', '-t', '20ms']);
  t.is(code, 124);
  t.regex(stderr, /never/);
});

test('times are read with their units', (t) => {
  t.is(parseDuration('10s'), 10_000);
  t.is(parseDuration('1.5'), 1500);
  t.is(parseDuration('250ms'), 250);
  t.is(parseDuration('2m'), 120_000);
  t.is(parseDuration('1h'), 3_600_000);
  for (const text of ['', 's', '-1s', '1d', '1 s', 'ten', '1e3'])
    t.throws(() => parseDuration(text), { message: /is no time/ });
});

test('the nearest command is guessed within two slips, or by its beginning', (t) => {
  const names = Object.keys(commands);
  t.is(nearest('stauts', names), 'status');
  t.is(nearest('strat', names), 'start');
  t.is(nearest('condition', names), undefined);
  t.is(nearest('runl', names), 'runlevel');
  t.is(nearest('x', names), undefined);
});
