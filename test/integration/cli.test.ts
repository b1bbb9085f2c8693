import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import type { Sandbox } from '#src/sandbox/index.js';
import * as services from '#src/services/index.js';
import { Lines } from '../helpers/lines.js';
import { program } from '../helpers/project.js';
import { startSandbox } from '../helpers/slots.js';

function run(box: Sandbox, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, [program, '--run-dir', box.runDir, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

async function succeeds(t: ExecutionContext, box: Sandbox, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(box, ...args);
  t.is(code, 0, `node-finit ${args.join(' ')}: ${stderr}`);
}

/** A command that runs until it is told to end. */
function follow(t: ExecutionContext, box: Sandbox, ...args: string[]) {
  const child = spawn(process.execPath, [program, ...args, '--run-dir', box.runDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = new Lines();
  createInterface({ input: child.stdout }).on('line', (text) => lines.add(text));
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { lines, child, exit };
}

for (const suite of ['forky', 'trixie'])
  test(`on Debian ${suite}: conditions, services and runlevel from the command line, with initctl's exit codes`, async (t) => {
    await using box = await startSandbox({
      suite,
      config: {
        'web.conf': `service [2345] name:web notify:none /bin/sleep 100000 -- Web\n`,
        'inst.conf': `service [2345] name:inst :1 notify:none /bin/sleep 100001 -- One\nservice [2345] name:inst :2 notify:none /bin/sleep 100002 -- Two\n`,
        'fail.conf': `task [2345] name:fail /bin/false -- Fails\n`,
        'lost.conf': `service name:lost :1 \\\n log notify:none /opt/lost name:x -- Has no program\n`,
        'night.conf': `service [3] name:night notify:none /bin/sleep 100003 -- Night\n`,
      },
    });
    await succeeds(t, box, 'wait', 'service/web/ready', 'task/fail/failure', '--timeout', '60s');

    const why = await run(box, 'why', 'night', 'web');
    t.is(why.code, 1);
    t.regex(why.stdout, /^night: halted\n└─ .*runlevel.*\nweb: running\n└─ running for \d+ s, and ready\n$/);
    t.is(JSON.parse((await run(box, 'why', '-j', 'web')).stdout).ok, true);
    t.like(await run(box, 'why', 'nobody'), { code: 69, stdout: '' });
    const lost = await run(box, 'why', 'lost:1');
    t.is(lost.code, 69);
    t.regex(lost.stderr, /\/etc\/finit\.d\/lost\.conf has a stanza .* \(is \/opt\/lost there\?\)/);
    const unlogged = await run(box, 'log', 'web');
    t.like(unlogged, { code: 0, stdout: '' });
    t.regex(unlogged.stderr, /no log/);
    // There are control groups where the kernel gives the sandbox some, which it mostly does not.
    for (const command of ['ps', 'cgroup', 'top'])
      t.is((await run(box, command, '-1')).code, (await box.initctl(command, '-1')).code ?? -1, command);

    t.like(await run(box, 'cond', 'get', 'open'), { code: 1, stdout: '' });
    await succeeds(t, box, 'cond', 'set', 'open', 'also');
    t.like(await run(box, 'cond', 'get', '-v', 'usr/open'), { code: 0, stdout: 'on\n' });
    t.is((await box.initctl('cond', 'get', 'open')).code, 0);
    t.is(
      (await run(box, 'cond', 'list', 'usr/*', '--json')).stdout,
      '{"name":"usr/also","state":"on"}\n{"name":"usr/open","state":"on"}\n',
    );
    t.regex(
      (await run(box, 'cond', 'list', 'usr/*')).stdout,
      /^STATE {2}CONDITION\non {5}usr\/also\non {5}usr\/open\n$/,
    );
    await succeeds(t, box, 'cond', 'clear', 'open');
    t.is((await box.initctl('cond', 'get', 'open')).code, 1);
    const refused = await run(box, 'cond', 'set', '../etc');
    t.is(refused.code, 2);
    t.regex(refused.stderr, /^node-finit: .*\.\.\/etc/);

    const late = await run(box, 'wait', 'never', '--timeout', '50ms');
    t.is(late.code, 124);
    t.regex(late.stderr, /<usr\/never> is off/);
    await succeeds(t, box, 'wait', 'never', '--state', 'off');
    for (const [condition, hint] of [
      ['service/wep/ready', /finit has no service wep, did you mean web\?$/m],
      ['pid/lost:1', /finit has no service lost:1; .*lost\.conf has a stanza/],
      ['web', /for the service web it is service\/web\/ready/],
    ] as const) {
      const hopeless = await run(box, 'wait', condition, '--timeout=50ms');
      t.is(hopeless.code, 124);
      t.regex(hopeless.stderr, hint);
    }

    t.deepEqual(
      (JSON.parse((await run(box, 'status', '--json')).stdout) as services.Service[]).map(
        (service) => service.identity,
      ),
      (await services.list({ runDir: box.runDir })).map((service) => service.identity),
    );
    const { pid } = await services.get('web', { runDir: box.runDir });
    t.regex((await run(box, 'status', 'web')).stdout, new RegExp(`^ +PID : ${pid}$`, 'm'));

    await succeeds(t, box, 'stop', '--wait', 'web');
    t.is((await services.get('web', { runDir: box.runDir })).state, 'stopped');
    await succeeds(t, box, 'start', '-w', 'web', '--timeout', '60s');
    t.is((await services.get('web', { runDir: box.runDir })).state, 'running');
    const cannot = await run(box, 'start', 'night', '--wait=running');
    t.is(cannot.code, 1);
    t.regex(cannot.stderr, /^node-finit: .*night/);
    t.is((await run(box, 'start', 'web', '--wait=soon')).code, 2);
    t.is((await run(box, 'start', 'web', '--timeout', '1s')).code, 2);

    await succeeds(t, box, 'stop', 'inst');
    await succeeds(t, box, 'wait', 'service/inst:1/stopped', 'service/inst:2/stopped', '-t', '60s');
    await succeeds(t, box, 'start', 'inst:2');
    await succeeds(t, box, 'wait', 'service/inst:2/ready', '-t', '60s');
    t.is((await services.get('inst:1', { runDir: box.runDir })).state, 'stopped');
    for (const action of ['start', 'stop', 'restart', 'status']) {
      const { code, stderr } = await run(box, action, 'nobody');
      t.is(code, 69);
      t.regex(stderr, /^node-finit: .*nobody/);
    }

    t.like(await run(box, 'runlevel'), { code: 0, stdout: 'N 2\n' });
    t.is((await box.initctl('runlevel')).stdout, 'N 2\n');
    await succeeds(t, box, 'runlevel', '3');
    await succeeds(t, box, 'wait', 'service/night/ready', '-t', '60s');
    t.is((await run(box, 'runlevel')).stdout, '2 3\n');

    await box.writeConfig('new.conf', 'service [2345] name:new notify:none /bin/sleep 100004 -- New\n');
    await succeeds(t, box, 'reload');
    await succeeds(t, box, 'wait', 'service/new/ready', '-t', '60s');
  });

test('watch and monitor follow until they are interrupted', async (t) => {
  await using box = await startSandbox({
    suite: 'forky',
    config: { 'web.conf': `service [2345] name:web notify:none /bin/sleep 100000 -- Web\n` },
  });
  const plain = follow(t, box, 'watch', 'service/web/*');
  const json = follow(t, box, 'watch', '--json', 'usr/*');
  const events = follow(t, box, 'monitor', '-j');
  await plain.lines.find(/^\S+Z {2}on {4}service\/web\/ready$/);
  await events.lines.find(/"type":"service","identity":"web","state":"running"/);
  await box.initctl('cond', 'set', 'open');
  const { time, ...change } = JSON.parse(await json.lines.find(/open/)) as Record<string, unknown>;
  t.regex(String(time), /^\d{4}-.*Z$/);
  t.like(change, { name: 'usr/open', state: 'on' });
  await services.stop('web', { runDir: box.runDir });
  await plain.lines.find(/off {3}service\/web\/ready {2}\(was on\)$/);
  await events.lines.find(/"identity":"web","state":"stopped","previous":"running"/);
  for (const { child, exit } of [plain, json, events]) {
    child.kill('SIGINT');
    t.is(await exit, 0);
  }
});

test('a watch ends with 1 and a reason when finit goes away', async (t) => {
  const box = await startSandbox({ suite: 'forky' });
  t.teardown(() => box.kill());
  const { lines, exit } = follow(t, box, 'watch', '**');
  await lines.find(/int\/bootstrap/);
  await box.poweroff();
  t.is(await exit, 1);
});
