// node-finit in the place of finit's initctl: the same command lines to both, on the same finit.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, stripVTControlCharacters } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import type { Sandbox } from '#src/sandbox/index.js';
import * as services from '#src/services/index.js';
import { boot } from '../helpers/box.js';
import { program } from '../helpers/project.js';

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

const config = {
  'web.conf': 'service [2345] name:web notify:none /bin/sleep 100000 -- Web\n',
  'inst.conf':
    'service [2345] name:inst :1 notify:none /bin/sleep 100001 -- One\n' +
    'service [2345] name:inst :eth0 notify:none /bin/sleep 100002 -- Zwölf ☃\n',
  'fail.conf': 'task [2345] name:fail /bin/false -- Fails\n',
  'fine.conf': 'task [2345] name:fine /bin/true -- Does not\n',
  'hand.conf': 'task [2345] name:hand manual:yes /bin/true -- By hand\n',
  'night.conf': 'service [3] name:night notify:none /bin/sleep 100003 -- Night\n',
  'after.conf': 'service [2345] <usr/open,service/web/ready> name:after /bin/sleep 100004 -- After\n',
  'gone.conf': 'service [2345] name:gone env:/nowhere /bin/sleep 100005 -- Its environment is missing\n',
  'crash.conf': 'service [2345] name:crash restart:1 /bin/false -- Crashes\n',
  'quote.conf': 'service [2345] name:quote notify:none /bin/sh -c "sleep 100006" -- Quotes\n',
};

/** What both are asked, while nothing changes. */
const QUESTIONS = [
  '',
  '-p',
  '-t',
  '-pt status',
  '-b -p status',
  '--plain --no-heading status',
  '-v -p status',
  'status -p -v',
  'status web',
  '-p status web',
  'status inst',
  '-t status inst',
  '-j status inst',
  '-t status inst:1',
  'status inst:eth0 fail',
  '-j status',
  '-j status web',
  'status -j fail',
  '-j status after',
  '-j status crash',
  '-j status hand',
  '-j status gone',
  '-p status quote',
  '-p status hand',
  '-p status after',
  'status nobody',
  '-n status nobody',
  '-j status nobody',
  '-q status web',
  '-q status fail',
  '-q status fine',
  '-q status hand',
  '-q status night',
  '-q status nobody',
  'status web nobody',
  'ident',
  'ident inst',
  'ident inst:1',
  'ident INST',
  'ident nobody',
  'cond',
  '-p cond',
  'cond status -t',
  '-j cond status',
  'cond dump',
  '-pt cond dump service/',
  '-j cond dump usr/',
  'cond dump pid/',
  '-j cond dump hook/',
  'cond get usr/set',
  '-v cond get set',
  'cond -v get usr/not',
  'cond get service/web/ready',
  '-v cond get service/web/ready service/night/ready',
  'cond get',
  'cond set',
  'cond clr',
  'cond set a/b',
  'cond set a.b',
  'cond show',
  'runlevel',
  'plugins',
  '-p plugins',
  '-t plugins',
  'ls',
  '-p ls',
  '-pt ls',
  '-t ls',
  'ls available',
  '-p ls available',
  '-pt list available',
  'show web',
  'cat web.conf',
  'show finit',
  'show nothing',
  'show keventd',
  'start',
  'stop',
  'start nobody',
  'stop nobody',
  'restart nobody',
  '-n stop nobody',
  '-q start nobody',
  'touch nothing',
  '-n touch nothing',
  'enable nothing',
  'disable nothing',
  '-n disable nothing',
  'create',
  'nonsense',
  '-- ident web',
] as const;

/** What has to be the same of both answers, in the same order. */
function comparable(question: string, ours: Answer, theirs: Answer): [object, object] {
  if (!split(question).includes('-j') || theirs.code !== 0)
    return [ours, theirs].map((answer) => comparableText(question, answer)) as [object, object];
  const answer = sorted(parseTheirs(stripVTControlCharacters(theirs.stdout)));
  const known = pick(sorted(JSON.parse(ours.stdout)), answer);
  return [
    { code: ours.code, known },
    { code: theirs.code, known: answer },
  ];
}

/** But for colours, the blanks that fill headings, the order of a file system, and seconds. */
function comparableText(question: string, { code, stdout, stderr }: Answer): object {
  const lines = stripVTControlCharacters(stdout)
    .replaceAll(/^( +Uptime :).*$/gm, '$1')
    .split('\n')
    .map((line) => line.trimEnd());
  return { code, complained: stderr !== '', lines: question.includes('dump') ? lines.sort() : lines };
}

/** Their JSON, mended: 4.12 to 4.15 do not escape quotes in commands, conditions have colours; and a list of nothing is nothing. */
function parseTheirs(text: string): unknown {
  if (text.trim() === '') return [];
  return JSON.parse(
    text.replaceAll(/("command": ")(.*)(",)$/gm, (_, a, b, c) => a + b.replaceAll('"', '\\"') + c),
  );
}

/** The fields that they have, without those that count seconds. */
function pick(ours: unknown, theirs: unknown): unknown {
  if (Array.isArray(theirs)) return theirs.map((one, i) => pick((ours as unknown[])[i], one));
  if (typeof theirs !== 'object' || theirs === null) return ours;
  return Object.fromEntries(
    Object.entries(theirs).map(([name, value]) => [
      name,
      name === 'uptime' ? value : pick((ours as Record<string, unknown>)?.[name], value),
    ]),
  );
}

/** In the order of their conditions. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value) ? [...value].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : value;

function ask(file: string, box: Sandbox, args: readonly string[], input = ''): Promise<Answer> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [file, ...args],
      { env: { ...process.env, FINIT_RUN_DIR: box.runDir, COLUMNS: '80' } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

async function askTheirs(box: Sandbox, args: readonly string[], input = ''): Promise<Answer> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/lib/finit' };
  const { code, stdout, stderr } = await box.exec(['initctl', ...args], { env, input });
  return { code: code ?? -1, stdout, stderr };
}

/** This program, as a machine would have it that has put it in initctl's place. */
function asInitctl(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'node-finit-initctl-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const link = join(directory, 'initctl');
  symlinkSync(program, link);
  return link;
}

const split = (question: string): string[] => question.split(' ').filter((word) => word !== '');

for (const { suite, finit } of [
  { suite: 'forky', finit: '4.14' },
  { suite: 'trixie', finit: '4.12' },
])
  test.serial(`node-finit answers as the initctl of finit ${finit} does`, async (t) => {
    const box = await boot(t, { suite, config });
    const initctl = asInitctl(t);
    const wait = { runDir: box.runDir, timeout: 60_000 };
    await conditions.wait(['service/web/ready', 'task/fail/failure', 'task/fine/success'], wait);
    while ((await services.get('crash', wait)).state !== 'crashed') await sleep(100);
    await conditions.set('set', wait);

    // All differences at once: one is seldom alone.
    const differences: object[] = [];
    for (const question of QUESTIONS) {
      const [ours, theirs] = [
        await ask(initctl, box, split(question)),
        await askTheirs(box, split(question)),
      ];
      if (ours.stderr !== '') t.regex(ours.stderr, /^initctl: /, question);
      const [a, b] = comparable(question, ours, theirs);
      if (!isDeepStrictEqual(a, b)) differences.push({ question, ours: a, theirs: b });
    }
    t.deepEqual(differences, []);
  });

/** Orders, each with what tells when it is done; the first goes by theirs, the second by ours, and so on in turn. */
const ORDERS: [order: string, then?: string[]][] = [
  ['stop web', ['service/web/stopped']],
  ['-q status web'],
  ['signal web HUP'],
  ['start web', ['service/web/ready']],
  ['-q status web'],
  ['restart web'],
  ['reload web'],
  ['kill web nosuch'],
  ['kill web 64'],
  ['kill nobody nosuch'],
  ['kill web'],
  ['signal nobody 1'],
  ['-n kill nobody 1'],
  ['kill web 0'],
  ['kill web SIGCONT'],
  ['signal web cont'],
  ['stop inst', ['service/inst:1/stopped', 'service/inst:eth0/stopped']],
  ['start inst:1', ['service/inst:1/ready']],
  ['start inst:1 inst:eth0', ['service/inst:eth0/ready']],
  ['start hand', ['task/hand/success']],
  ['cond set a b', ['usr/a', 'usr/b']],
  ['cond set a'],
  ['cond clear a usr/b'],
  ['cond clr a'],
  ['cond set open', ['usr/open']],
  ['-v cond get open'],
  ['debug'],
  ['debug'],
  ['reload'],
  ['reload nobody'],
  ['runlevel 3', ['service/night/ready']],
  ['runlevel'],
  ['runlevel 2', ['service/night/halted']],
];

for (const { suite, finit } of [
  { suite: 'forky', finit: '4.14' },
  { suite: 'trixie', finit: '4.12' },
])
  test.serial(
    `orders to finit ${finit} have the exit codes of its initctl, and the same effect`,
    async (t) => {
      const [ourBox, theirBox] = [await boot(t, { suite, config }), await boot(t, { suite, config })];
      const initctl = asInitctl(t);
      const both = async (names: string[]) => {
        for (const { runDir } of [ourBox, theirBox])
          await conditions.wait(names, { runDir, timeout: 60_000 });
      };
      await both(['service/web/ready', 'service/inst:1/ready', 'service/inst:eth0/ready']);
      const differences: object[] = [];
      for (const [order, then] of ORDERS) {
        const ours = await ask(initctl, ourBox, split(order));
        const theirs = await askTheirs(theirBox, split(order));
        const [a, b] = comparable(order, theirs.stderr === '' ? { ...ours, stderr: '' } : ours, theirs);
        if (!isDeepStrictEqual(a, b)) differences.push({ order, ours: a, theirs: b });
        if (then) await both(then);
      }
      t.deepEqual(differences, []);
    },
  );

/** What is done to .conf files, and what there is afterwards. */
const CONF_ORDERS: [order: string, input?: string][] = [
  ['create one', 'service [2345] name:one /bin/sleep 1 -- One\n'],
  ['create one.conf', 'changed\n'],
  ['show one'],
  ['-c create one', 'service [2345] name:one /bin/sleep 2 -- One\n'],
  ['cat one.conf'],
  ['create tmpl@', 'service [2345] name:tmpl :%i /bin/sleep 3 -- %i\n'],
  ['enable one'],
  ['enable one'],
  ['-n enable one.conf'],
  ['enable two'],
  ['enable tmpl@x'],
  ['show tmpl@x'],
  ['show tmpl@y'],
  ['ls'],
  ['-p ls'],
  ['-j ls enabled'],
  ['touch one'],
  ['touch tmpl@x'],
  ['touch finit.conf'],
  ['touch web'],
  ['disable one'],
  ['disable one'],
  ['disable tmpl@x'],
  ['-f delete one'],
  ['-f delete one'],
  ['delete tmpl@', 'n\n'],
  ['-q -f delete tmpl@'],
  ['create keventd', 'x\n'],
  ['delete keventd', 'n\n'],
  ['-pt ls'],
];

test.serial(
  '.conf files are made, enabled, touched and deleted as the initctl of finit 4.14 does',
  async (t) => {
    const [ourBox, theirBox] = [
      await boot(t, { suite: 'forky', config }),
      await boot(t, { suite: 'forky', config }),
    ];
    const initctl = asInitctl(t);
    const differences: object[] = [];
    const compare = (order: string, ours: object, theirs: object): void => {
      if (!isDeepStrictEqual(ours, theirs)) differences.push({ order, ours, theirs });
    };
    for (const [order, input = ''] of CONF_ORDERS) {
      const ours = await ask(initctl, ourBox, split(order), input);
      const theirs = await askTheirs(theirBox, split(order), input);
      // Their JSON has a list of nothing for a title there; their question is on stdout.
      if (order.startsWith('-j')) {
        t.deepEqual(JSON.parse(ours.stdout), ['tmpl@x.conf', 'one.conf'].sort(), order);
        continue;
      }
      const visible = ({ code, stdout }: Answer) => ({
        code,
        stdout: stdout.replace(/^(?:Remove file.*\? )?n\n/, ''),
      });
      compare(
        order,
        comparableText(order, { ...visible(ours), stderr: '' }),
        comparableText(order, { ...visible(theirs), stderr: '' }),
      );
      const [here, there] = await Promise.all(
        [ourBox, theirBox].map(
          async (box) =>
            (
              await box.exec([
                'sh',
                '-c',
                'cd /etc/finit.d; find . -type l -exec readlink {} \\; ; find . | sort; cat available/*',
              ])
            ).stdout,
        ),
      );
      compare(`files after: ${order}`, { here }, { here: there });
    }
    t.deepEqual(differences, []);
  },
);

test.serial('.conf files outside of finit.d cannot be named', async (t) => {
  const box = await boot(t, { suite: 'forky' });
  for (const command of ['show', 'create', 'touch', 'enable', 'disable', 'delete'])
    for (const name of ['../passwd', '/etc/passwd', 'available/../../x', '..'])
      t.like(
        await ask(program, box, ['-f', command, name], 'x'),
        { code: 2, stdout: '' },
        `${command} ${name}`,
      );
});
