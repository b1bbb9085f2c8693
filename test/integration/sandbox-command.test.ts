import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { projectRoot } from '../helpers/project.js';

async function sandbox(
  args: string[],
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'sandbox', ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, out, err };
}

test('a command in the sandbox has our input, output and exit code', async (t) => {
  const { code, out, err } = await sandbox(
    ['--quiet', '--', 'sh', '-c', 'cat; cat /proc/1/environ; exit 7'],
    'in',
  );
  t.is(code, 7);
  t.regex(out, /^in.*container=unshare/);
  t.is(err, '');
});

test('files for finit.d and mounts are named on the command line', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'node-finit-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'mine.conf'), 'service [2345] name:mine sleep 1000 -- Mine\n');
  const { code, out } = await sandbox([
    ...['--config', join(dir, 'mine.conf'), '--mount', `${dir}:/srv/app`, '--rootless'],
    ...['--', 'sh', '-c', 'initctl -p status mine; ls /srv/app'],
  ]);
  t.is(code, 0);
  t.regex(out, /Mine/);
  t.regex(out, /mine\.conf/);
});

test('without a command and a terminal the sandbox stays until SIGINT, and is then powered off', async (t) => {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'sandbox']);
  let err = '';
  await new Promise<void>((up) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      if (err.includes('SIGTERM')) up();
    });
  });
  t.regex(err, /finit 4\.\d+ is PID 1.*has pid \d+/);
  t.regex(err, /--run-dir \/proc\/\d+\/root\/run\/finit/);
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'close'), [0, null]);
  const pid = Number(/has pid (\d+)/.exec(err)?.[1]);
  t.throws(() => process.kill(pid, 0));
});

test('what is not understood ends with code 2 and a hint', async (t) => {
  for (const [args, pattern] of [
    [['--sute', 'forky'], /did you mean --suite/],
    [['--suite'], /--suite/],
    [['stray'], /stray/],
    [['--mount', 'nonsense'], /SRC:DST/],
    [['--config', '/no/such.conf'], /such\.conf/],
    [['--'], /no command/],
    [['--runlevel', '6'], /runlevel/],
  ] as const) {
    const { code, err } = await sandbox([...args]);
    t.is(code, 2, err);
    t.regex(err, pattern);
  }
});

test('a command without -- before it is refused, with the way to write it', async (t) => {
  const { code, out, err } = await sandbox(['--quiet', 'initctl', 'status']);
  t.deepEqual([code, out], [2, '']);
  t.regex(err, /node-finit sandbox -- initctl status/);
});
