// Services of real finits, seen and ordered about from outside the sandbox.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { get, list, restart, type Service, start, stop, uptime } from '#src/services/index.js';
import { poweroff, reload, runlevel, setRunlevel } from '#src/system/index.js';
import { eventually, startFinit, suites } from '../helpers/real-finit.js';

const config = `
service name:web notify:none /bin/sleep 1000 -- Wäb
service name:inst :1 notify:none /bin/sleep 1001 -- One
service name:inst :2 notify:none /bin/sleep 1002 -- Two
service name:gone notify:none /no/such/program -- Not there
service name:respawning respawn notify:none /bin/sleep 1003 -- Comes back
service name:later manual:yes notify:none /bin/sleep 1004 -- By hand
service [3] name:three notify:none /bin/sleep 1005 -- In runlevel 3
service name:waits notify:none <usr/never,pid/nothing> /bin/sleep 1006 -- Waits
task name:fine /bin/true -- Works
task name:bad /bin/false -- Fails
task name:again manual:yes /bin/false -- Fails by hand
`;

const identities = (services: Service[]) => services.map(({ identity }) => identity);

for (const suite of suites) {
  const boot = () => startFinit(suite, { config: { 'test.conf': config } });

  test(`list() on ${suite} is what initctl shows`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    await eventually(async () => (await get('bad', options)).state === 'done');
    const services = await list(options);
    const { stdout } = await box.exec(['initctl', '-p', '-t', 'status']);
    const shown = stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/, 3));
    // finit 4.2 … 4.14 do not list a stanza whose program does not exist.
    t.deepEqual(
      services.map(({ pid = 0, identity, state }) => [String(pid), identity, state.slice(0, 8)]),
      shown,
    );
    const find = (name: string) => services.find(({ identity }) => identity === name);
    t.like(find('web'), {
      state: 'running',
      description: 'Wäb',
      command: '/bin/sleep',
      args: ['1000'],
      type: 'service',
    });
    t.like(find('inst:2'), {
      name: 'inst',
      id: '2',
      user: 'root',
      origin: '/etc/finit.d/test.conf',
      notify: 'none',
    });
    t.like(find('later'), { state: 'stopped', manual: true, pid: undefined, exit: undefined });
    t.like(find('three'), { state: 'halted', runlevels: [3] });
    t.like(find('waits'), {
      state: 'waiting',
      conditions: [
        { name: 'usr/never', state: 'off' },
        { name: 'pid/nothing', state: 'off' },
      ],
    });
    t.like(find('fine'), { type: 'task', state: 'done', effectiveState: 'done', exit: { code: 0 } });
    t.like(find('bad'), { state: 'done', effectiveState: 'failed', exit: { code: 1 } });
    t.true((uptime(find('web') as Service) ?? -1) >= 0);
  });

  test(`a service on ${suite} is got by name, by name and id, or not at all`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    t.is((await get('inst:2', options)).identity, 'inst:2');
    t.is((await get('inst', options)).identity, 'inst:1');
    for (const name of ['nope', 'inst:3', 'we', 'webb'])
      await t.throwsAsync(get(name, options), { code: 'FINIT_UNKNOWN_SERVICE', message: new RegExp(name) });
  });

  test(`services on ${suite} are stopped, started and restarted`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    const state = (name: string, wanted: string) =>
      eventually(async () => {
        const service = await get(name, options);
        return service.state === wanted && service;
      });
    const { pid } = await state('web', 'running');
    await stop(['web', 'inst'], options);
    t.like(await state('web', 'stopped'), { pid: undefined, exit: { signal: 'SIGTERM' } });
    await state('inst:1', 'stopped');
    await state('inst:2', 'stopped');
    await start(['web', 'inst:2'], options);
    const again = await state('web', 'running');
    t.not(again.pid, pid);
    await state('inst:2', 'running');
    t.is((await get('inst:1', options)).state, 'stopped');
    await restart('web', options);
    await eventually(async () => {
      const { state, pid } = await get('web', options);
      return state === 'running' && pid !== undefined && pid !== again.pid;
    });
    await start('later', options);
    await state('later', 'running');
    // A task runs as often as it is started, if it is by hand.
    await start('again', options);
    await eventually(async () => (await get('again', options)).restarts === 1);
    await start('again', options);
    await eventually(async () => (await get('again', options)).restarts === 2);
    t.like(await state('again', 'done'), { effectiveState: 'failed', exit: { code: 1 } });
  });

  test(`an unknown service on ${suite} is named, and nothing is done to the others`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    const before = await get('web', options);
    for (const action of [start, stop, restart]) {
      const error = await t.throwsAsync(action(['web', 'nope', 'inst:3', 'a-rather-long-name:77'], options), {
        code: 'FINIT_UNKNOWN_SERVICE',
      });
      t.regex(error?.message ?? '', /nope, inst:3, a-rather-long-name:77\./);
    }
    t.is((await get('web', options)).pid, before.pid);
  });

  test(`a killed service on ${suite} comes back, and says how it ended`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    const before = await eventually(async () => {
      const service = await get('respawning', options);
      return service.pid !== undefined && service;
    });
    await box.exec(['kill', '-9', String(before.pid)]);
    const after = await eventually(async () => {
      const service = await get('respawning', options);
      return service.pid !== undefined && service.pid !== before.pid && service;
    });
    t.deepEqual(after.exit, { signal: 'SIGKILL' });
  });

  test(`finit of ${suite} reads its configuration again, and changes its runlevel`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    t.deepEqual(await runlevel(options), { current: 2, previous: 'S' });
    await box.writeConfig('more.conf', 'service name:more notify:none /bin/sleep 1007 -- More\n');
    await reload(options);
    await eventually(async () => identities(await list(options)).includes('more'));
    await setRunlevel(3, options);
    await eventually(async () => (await get('three', options)).state === 'running');
    t.deepEqual(await runlevel(options), { current: 3, previous: 2 });
    t.is((await box.exec(['initctl', 'runlevel'])).stdout.trim(), '2 3');
  });

  test(`lists on ${suite} are whole while others list at the same time`, async (t) => {
    await using box = await boot();
    // On a busy machine the others, in the sandbox, may well be where we are not for some time.
    const options = { runDir: box.runDir, timeout: 60_000 };
    const expected = identities(await list(options));
    const noise = box.spawn(['/bin/sh', '-c', 'while :; do initctl status >/dev/null; sleep 0.01; done']);
    for (let i = 0; i < 25; i++) {
      const lists = await Promise.all([list(options), list(options)]);
      for (const services of lists) t.deepEqual(identities(services), expected);
    }
    t.is(noise.exitCode, null, 'the others were at it all the time');
    noise.kill('SIGKILL');
  });

  test(`PID 1 of ${suite} is not left waiting by calls that are given up`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    let aborted = 0;
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController();
      const calls = [
        list({ ...options, signal: controller.signal }),
        get('web', { ...options, signal: controller.signal }),
      ];
      const settled = Promise.allSettled(calls);
      if (i % 2) await sleep(0);
      controller.abort();
      for (const result of await settled)
        if (result.status === 'rejected') {
          t.is(result.reason.code, 'FINIT_ABORTED');
          aborted++;
        }
    }
    t.true(aborted >= 50);
    // It would take no zombies and answer nobody: not initctl, which waits for 15 s.
    const { pid } = await get('respawning', options);
    await box.exec(['kill', '-9', String(pid)]);
    await eventually(async () => (await get('respawning', options)).pid !== pid);
    t.is((await box.exec(['initctl', 'runlevel'])).stdout.trim(), 'N 2');
  });

  test(`a PID 1 of ${suite} that stands still is given up in time, and serves the next when it goes on`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    process.kill(box.pid, 'SIGSTOP');
    await t.throwsAsync(get('web', { ...options, timeout: 100 }), { code: 'FINIT_TIMEOUT' });
    await t.throwsAsync(list({ ...options, signal: AbortSignal.timeout(100) }), { code: 'FINIT_ABORTED' });
    process.kill(box.pid, 'SIGCONT');
    t.is((await get('web', options)).identity, 'web');
  });

  test(`finit of ${suite} that is killed in mid-exchange is FINIT_CONNECTION_LOST, then FINIT_NOT_RUNNING`, async (t) => {
    await using box = await boot();
    // Its /proc goes with it, and then the socket's name.
    const options = { runDir: box.runDir };
    process.kill(box.pid, 'SIGSTOP');
    const pending = get('web', options);
    const lost = t.throwsAsync(pending, { code: 'FINIT_CONNECTION_LOST' });
    await sleep(50);
    process.kill(box.pid, 'SIGKILL');
    await lost;
    await box.exited;
    await t.throwsAsync(get('web', options), { code: 'FINIT_NOT_RUNNING' });
  });

  test(`finit of ${suite} is powered off, and that is not asked for twice`, async (t) => {
    await using box = await boot();
    const options = { runDir: box.runDir };
    await poweroff(options);
    const exit = await box.exited;
    t.like(exit, { code: 0, killed: false });
  });

  test(`an ordinary user is told who may use the socket of ${suite}`, async (t) => {
    await using box = await boot();
    if (process.getuid?.() !== 0) {
      // Rootless, the socket is our own, and there is nobody else to be.
      t.true(identities(await list({ runDir: box.runDir })).includes('web'));
      return;
    }
    const script = `
      const { connect } = await import(${JSON.stringify(import.meta.resolve('#src/transport/index.js'))});
      await connect({ runDir: '/nonexistent' }).runlevel().catch(() => {});
      process.chdir(${JSON.stringify(box.runDir)});
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      const { code, errno, message } = await connect({ runDir: '.' }).runlevel().catch((error) => error);
      console.log(code, errno, message);`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    t.regex(said, /^FINIT_ACCESS_DENIED EACCES .*socket socket \(owner uid 0, group gid \d+, mode 0660\)/);
  });
}
