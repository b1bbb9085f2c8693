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
  test(`node-finit answers as the initctl of finit ${finit} does`, async (t) => {
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
