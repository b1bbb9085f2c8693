// The init system as a whole, on real finits: what it says of itself is what its initctl says.
import test from 'ava';
import { get, list } from '#src/services/index.js';
import { debug, info, plugins, suspend, switchRoot } from '#src/system/index.js';
import { connect } from '#src/transport/index.js';
import { eventually, PROJECT, startFinit } from '../helpers/real-finit.js';

const releases = [
  { suite: 'forky', candidates: ['4.13', '4.14'], version: '4.14' },
  { suite: 'trixie', candidates: ['4.10', '4.11', '4.12'], version: '4.12' },
] as const;

const config = `
service name:web notify:none /bin/sleep 1000 -- Says "hello", \\ and more
service name:inst :1 notify:none /bin/sleep 1001 -- One
service name:gone notify:none <usr/never> /bin/sh -c 'echo "quoted" and gone' -- Waits
task name:bad /bin/false -- Fails
`;

for (const { suite, candidates, version } of releases) {
  test(`info() tells from outside which finits ${suite}'s may be, and what is missing there`, async (t) => {
    await using box = await startFinit(suite, { config: { 'test.conf': config } });
    const about = await info({ runDir: box.runDir });
    t.like(about, { runDir: box.runDir, transport: 'socket', version: undefined });
    t.deepEqual(about.candidates, candidates);
    t.regex(about.evidence, /length of a service record/);
    t.true(about.missing.some((line) => line.startsWith('switch-root')));
    t.false(about.missing.some((line) => line.startsWith('signals')));
  });

  test(`info() tells the version of ${suite}'s finit exactly where there is its initctl`, async (t) => {
    await using box = await startFinit(suite);
    const script = `
      const { system } = await import('${PROJECT}/dist/index.js');
      console.log(JSON.stringify(await system.info()));`;
    const { stdout } = await box.exec([process.execPath, '--input-type=module', '-e', script]);
    t.like(JSON.parse(stdout), { transport: 'socket', runDir: '/run/finit', version });
    t.regex(stdout, /initctl -V/);
  });

  test(`plugins() of ${suite} are those of its initctl`, async (t) => {
    await using box = await startFinit(suite);
    const { stdout } = await box.exec(['initctl', '-b', '-t', 'plugins']);
    const expected = stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([name, ...dependencies]) => ({ name, dependencies }));
    t.true(expected.length > 3);
    t.deepEqual(await plugins({ runDir: box.runDir }), expected);
  });

  test(`debug() of ${suite} makes finit talk`, async (t) => {
    await using box = await startFinit(suite, { config: { 'test.conf': config } });
    await debug({ runDir: box.runDir });
    await get('web', { runDir: box.runDir });
    await eventually(() => /svc find: web/.test(box.console()));
    t.pass();
  });

  test(`what ${suite} cannot do is said, and not asked for`, async (t) => {
    await using box = await startFinit(suite);
    const { runDir } = box;
    // The kernel lets nobody suspend the machine from within a sandbox.
    await t.throwsAsync(suspend({ runDir }), { code: 'FINIT_REFUSED', message: /suspend/ });
    await t.throwsAsync(switchRoot('/mnt', '', { runDir }), {
      code: 'FINIT_REFUSED',
      message: /runlevel S and 1/,
    });
    await t.throwsAsync(connect({ runDir }).switchRoot('/mnt', ''), {
      code: 'FINIT_UNSUPPORTED',
      message: /4\.16/,
    });
  });

  test(`initctl -j of ${suite} gives what the control socket gives, as far as it tells`, async (t) => {
    await using box = await startFinit(suite, { config: { 'test.conf': config } });
    await eventually(async () => (await get('bad', { runDir: box.runDir })).state === 'done');
    const script = `
      const { services, system } = await import('${PROJECT}/dist/index.js');
      const transport = 'initctl';
      console.log(JSON.stringify({
        list: await services.list({ transport }),
        web: await services.get('web', { transport }),
        unknown: await services.get('nope', { transport }).catch(({ code }) => code),
        runlevel: await system.runlevel({ transport }),
        plugins: await system.plugins({ transport }),
        stopped: await services.stop('web', { transport }),
        strange: await services.stop('nope', { transport }).catch(({ code }) => code),
      }));`;
    const before = await list({ runDir: box.runDir });
    const { stdout, stderr, code } = await box.exec([process.execPath, '--input-type=module', '-e', script]);
    t.is(code, 0, stderr);
    const said = JSON.parse(stdout);
    t.deepEqual(said.list.map(common), before.map(common));
    t.deepEqual(common(said.web), common(before.find(({ identity }) => identity === 'web') as never));
    t.like(said, { unknown: 'FINIT_UNKNOWN_SERVICE', strange: 'FINIT_UNKNOWN_SERVICE' });
    t.is(said.runlevel.current, 2);
    t.deepEqual(said.plugins, await plugins({ runDir: box.runDir }));
    await eventually(async () => (await get('web', { runDir: box.runDir })).state === 'stopped');
  });
}

/** What initctl tells of a service, in one form. */
function common(service: Awaited<ReturnType<typeof get>>) {
  const { identity, name, id, type, state, effectiveState, pid, conditions, runlevels } = service;
  const { user, group, description, origin, command, args, forking, restarts } = service;
  // finit keeps quotes in arguments, and initctl prints all of them as one line.
  const line = [command, ...args].join(' ');
  return {
    ...{ identity, name, id, type, state, effectiveState, pid, conditions, runlevels },
    ...{ user, group, description, origin, line, forking, restarts },
  };
}
