// Control groups of a kernel, around services of a real finit. Where the machine's v2 hierarchy has no cpu controller, finit does not use
// it: then a script puts processes into groups with the names that finit would give them.
import test from 'ava';
import { cpuLoads, findGroup, tree } from '#src/cgroups/index.js';
import { get } from '#src/services/index.js';
import { eventually, startFinit } from '../helpers/real-finit.js';

// In finit's cgroup namespace, as what finit starts is.
const groups = `#!/bin/sh
cd /sys/fs/cgroup || exit 1
[ -e cgroup.controllers ] || mount -t cgroup2 none /sys/fs/cgroup || exit 1
cd /sys/fs/cgroup
mkdir -p init system user system/web
echo 1 >init/cgroup.procs
`;
const web = `#!/bin/sh
echo $$ >/sys/fs/cgroup/system/web/cgroup.procs
sleep 1000 &
while :; do :; done
`;
const config = {
  'groups.conf': 'task name:groups /srv/groups.sh -- Makes groups',
  'web.conf': 'service name:web notify:none <task/groups/success> /srv/web.sh -- Is busy',
};
const files = {
  '/srv/groups.sh': { content: groups, mode: 0o755 },
  '/srv/web.sh': { content: web, mode: 0o755 },
};

for (const suite of ['forky', 'trixie']) {
  test(`on ${suite}, the processes of a service are found in its group, and its load`, async (t) => {
    await using box = await startFinit(suite, { config, files });
    const { runDir } = box;
    const made = await eventually(async () => {
      const { effectiveState } = await get('groups', { runDir });
      return ['done', 'failed'].includes(effectiveState) && effectiveState;
    });
    if (made === 'failed') {
      await t.throwsAsync(tree({ runDir }), { code: 'FINIT_UNSUPPORTED' });
      t.log('no cgroup2 may be mounted in a sandbox here: the tree has not been tested on a kernel');
      return;
    }
    const first = await eventually(async () => {
      const now = await tree({ runDir });
      return findGroup(now, 'web')?.processes.length === 2 && now;
    });
    const { pid } = await get('web', { runDir });
    // finit's own view of it.
    const { stdout } = await box.exec(['initctl', '-p', 'ps', 'system/web']);
    t.deepEqual(
      [...stdout.matchAll(/- (\d+) /g)].map(([, found]) => Number(found)),
      findGroup(first, 'web')?.processes.map((process) => process.pid),
    );
    const group = findGroup(first, 'web');
    t.like(group, { name: 'web', path: '/system/web', services: ['web'] });
    t.like(
      group?.processes.find((process) => process.pid === pid),
      { name: 'web.sh', command: '/bin/sh /srv/web.sh', service: 'web' },
    );
    t.like(
      group?.processes.find((process) => process.pid !== pid),
      { name: 'sleep', command: 'sleep 1000', service: 'web' },
    );
    t.like(first.children.find(({ name }) => name === 'init')?.processes[0], { pid: 1 });

    const { busy, idle } = await eventually(async () => {
      const loads = cpuLoads(first, await tree({ runDir, services: false }));
      const of = (path: string) => loads.find((load) => load.path === path)?.percent ?? 0;
      return of('/system/web') > 0 && { busy: of('/system/web'), idle: of('/user') };
    });
    t.true(busy > idle);
    t.is(idle, 0);

    const only = await tree({ runDir, group: 'system/web' });
    t.deepEqual([only.path, only.processes], ['/system/web', group?.processes]);
    await t.throwsAsync(tree({ runDir, group: 'system/nope' }), { code: 'FINIT_INVALID_ARGUMENT' });
  });

  test(`on ${suite}, that there are no groups is an error that says why`, async (t) => {
    await using box = await startFinit(suite);
    const { runDir } = box;
    const { stdout } = await box.exec(['cat', '/sys/fs/cgroup/cgroup.controllers']);
    // This machine gives finit all that it needs.
    if (/\bcpu\b/.test(stdout)) t.is((await tree({ runDir })).path, '/');
    else
      await t.throwsAsync(tree({ runDir }), {
        code: 'FINIT_UNSUPPORTED',
        message: /No control groups: no cgroup v2 hierarchy/,
      });
  });
}
