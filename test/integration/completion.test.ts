// What a shell that has read the completion script offers, with services and conditions of a real finit.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import { boot } from '../helpers/box.js';
import { program } from '../helpers/project.js';

/** Runs a shell's script with node-finit and initctl on its path. */
function shell(t: ExecutionContext, argv: readonly string[], runDir: string): Promise<string> {
  const bin = mkdtempSync(join(tmpdir(), 'node-finit-bin-'));
  t.teardown(() => rmSync(bin, { recursive: true }));
  for (const name of ['node-finit', 'initctl']) symlinkSync(program, join(bin, name));
  const [file = '', ...args] = argv;
  const env = { ...process.env, FINIT_RUN_DIR: runDir, PATH: `${bin}${delimiter}${process.env.PATH}` };
  return new Promise((resolve, reject) =>
    execFile(file, args, { env }, (error, stdout, stderr) =>
      error || stderr !== '' ? reject(error ?? new Error(stderr)) : resolve(stdout),
    ),
  );
}

/** What bash has in COMPREPLY after a tab behind each line. */
async function complete(t: ExecutionContext, lines: readonly string[], runDir: string): Promise<string[][]> {
  const script = `
    source <(node-finit completion bash)
    for COMP_LINE in "$@"; do
      COMP_POINT=\${#COMP_LINE}
      _node_finit
      echo "\${COMPREPLY[@]}"
    done`;
  const text = await shell(t, ['bash', '-c', script, 'bash', ...lines], runDir);
  return text.split('\n').map((line) =>
    line
      .split(' ')
      .filter((word) => word !== '')
      .sort(),
  );
}

test('bash completes commands, options, services, conditions, .conf files and values', async (t) => {
  const box = await boot(t, {
    suite: 'forky',
    config: {
      'web.conf': 'service [2345] name:web notify:none /bin/sleep 100000 -- Web\n',
      'inst.conf':
        'service [2345] name:inst :1 notify:none /bin/sleep 100001 -- One\n' +
        'service [2345] name:inst :2 notify:none /bin/sleep 100002 -- Two\n',
    },
  });
  const { runDir } = box;
  await conditions.wait(['service/web/ready', 'service/inst:2/ready'], { runDir, timeout: 60_000 });
  await conditions.set('open', { runDir });
  await box.exec(['sh', '-c', 'mkdir -p /etc/finit.d/available; echo > /etc/finit.d/available/extra.conf']);
  const cases: [line: string, replies: string[]][] = [
    ['node-finit sta', ['start', 'status']],
    ['initctl statu', ['status']],
    ['node-finit status we', ['web']],
    ['node-finit status -j in', ['inst', 'inst:1', 'inst:2']],
    // A colon ends a word for bash: only what follows it is asked for.
    ['node-finit stop inst:', ['1', '2']],
    ['node-finit start inst:1 inst:', ['2']],
    ['node-finit --run', ['--run-dir']],
    ['node-finit --transport ', ['auto', 'bus', 'initctl', 'socket']],
    ['node-finit --transport=so', ['socket']],
    ['node-finit wait --state ', ['flux', 'off', 'on']],
    ['node-finit wait --t', ['--timeout', '--transport']],
    ['node-finit cond ', ['clear', 'dump', 'get', 'list', 'set', 'status']],
    ['node-finit cond get service/web/', ['service/web/ready', 'service/web/running']],
    ['node-finit cond clear ', ['open']],
    ['node-finit kill web HU', ['HUP']],
    ['node-finit kill web HUP ', []],
    ['node-finit show ', ['extra', 'inst', 'web']],
    ['node-finit enable ', ['extra']],
    ['node-finit runlevel 3', ['3']],
    ['node-finit completion ', ['bash', 'fish', 'zsh']],
    ['node-finit help pow', ['poweroff']],
    ['node-finit nonsense ', []],
    [`node-finit --run-dir /nowhere status `, []],
  ];
  const replies = await complete(
    t,
    cases.map(([line]) => line),
    runDir,
  );
  for (const [i, [line, expected]] of cases.entries()) t.deepEqual(replies[i], expected, line);
});

/** What zsh and fish print for `node-finit statu`, when they have read the script; undefined where they are not installed. */
const TRIES: Record<string, string> = {
  zsh: `
    autoload -Uz compinit; compinit -u -D
    compadd() { shift 5; print -l -- $plain }
    source <(node-finit completion zsh)
    words=(node-finit statu); CURRENT=2; _node_finit`,
  fish: `node-finit completion fish | source; complete -C 'node-finit statu'`,
};

for (const [name, script] of Object.entries(TRIES))
  test(`${name} completes, too, if it is installed`, async (t) => {
    t.regex(await shell(t, ['node-finit', 'completion', name], '/nowhere'), /__complete/);
    const there = await shell(t, ['sh', '-c', `command -v ${name} || true`], '/nowhere');
    if (there === '') t.log(`there is no ${name} on this machine`);
    else t.regex(await shell(t, [name, '-c', script], '/nowhere'), /^status(?:\t.*)?\n$/);
  });
